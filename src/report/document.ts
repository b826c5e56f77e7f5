/** A page that needs nothing else, neither files nor network. */
import { createHash } from 'node:crypto'
import { Html, html, when } from './html.js'
import { SCRIPT, STYLE } from './style.js'

/** The page as text; nothing but its own style, and its own script where it `isSorted`, may run. */
export function document(title: string, body: Html, { isSorted = false } = {}): string {
  const policy = `default-src 'none'; img-src data:; style-src '${hashOf(STYLE)}'; script-src '${hashOf(SCRIPT)}'; base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
${body}
${when(isSorted, () => html`<script>${new Html(SCRIPT)}</script>`)}
</body>
</html>
`.text
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
