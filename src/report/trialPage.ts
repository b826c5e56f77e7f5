/** What a trial found, as one page that needs nothing else. */

import { document } from './document.js'
import { type Html, html, when } from './html.js'
import type { Thumbnail } from './thumbnail.js'

/** An arm as the page shows it; shares are fractions of 1. */
export interface ShownArm {
  readonly name: string
  readonly repetitions: number
  /** In the order of the columns. */
  readonly cells: readonly string[]
  /** To clean; null for clean itself. */
  readonly difference: { readonly mean: number; readonly error: number; readonly reach: number } | null
  /** Mean over the repetitions of the loss, and of the accuracy where that was measured, by step. */
  readonly curve: readonly { readonly step: number; readonly loss: number; readonly accuracy: number | null }[]
  /** Mixes of the first pictures. */
  readonly samples: readonly Thumbnail[]
}

export interface TrialReport {
  readonly name: string
  readonly columns: readonly string[]
  readonly arms: readonly ShownArm[]
  readonly verdict: readonly string[]
  readonly recommendation: string | null
  /** Name and value of what the trial was. */
  readonly facts: readonly (readonly [string, string])[]
}

export function trialPage({ name, columns, arms, verdict, recommendation, facts }: TrialReport): string {
  const content = html`<header>
<p class="eyebrow">sage-augment trial</p>
<h1><bdi>${name}</bdi></h1>
${verdict.map((sentence) => html`<p>${sentence}</p>`)}
${when(recommendation !== null, () => html`<p><code>${recommendation!}</code></p>`)}
</header>
<main>
<h2>Differences to clean</h2>
<section class="chart"><p>In points of accuracy: the bar is one standard error to each side, the line the 95 % interval.</p>
${intervalChart(arms)}</section>
<h2>Figures</h2>
<div class="scroll"><table class="plain"><thead><tr><th scope="col">Arm</th>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${arms.map((arm) => html`<tr><th scope="row"><bdi>${arm.name}</bdi></th>${arm.cells.map((cell) => html`<td class="number">${cell}</td>`)}</tr>`)}</tbody></table></div>
<h2>Learning curves</h2>
<div class="charts">${arms.map((arm) => curveChart(arm, arms))}</div>
<h2>What the students saw</h2>
<table class="plain"><tbody>${arms
    .filter(({ samples }) => samples.length > 0)
    .map(
      ({ name, samples }) => html`<tr><th scope="row"><bdi>${name}</bdi></th><td>${samples.map(picture)}</td></tr>`,
    )}</tbody></table>
<h2>The trial</h2>
<table class="plain"><tbody>${facts.map(([term, value]) => html`<tr><th scope="row">${term}</th><td>${value}</td></tr>`)}</tbody></table>
</main>`
  return document(`${name} - sage-augment trial`, content)
}

/** Smaller pictures are shown at twice their size, pixel by pixel. */
function picture({ uri, width, height, exact }: Thumbnail): Html {
  const scale = exact ? 2 : 1
  return html`<img src="${uri}" width="${scale * width}" height="${scale * height}" alt=""> `
}

const [WIDTH, ROW, LEFT, RIGHT] = [640, 24, 210, 620] as const

/** A row an arm: its difference to clean with its error and interval, and where 0 is. */
function intervalChart(arms: readonly ShownArm[]): Html {
  const shown = arms.filter(({ difference }) => difference !== null)
  const far = Math.max(
    0.01,
    ...shown.map(({ difference }) => Math.abs(difference!.mean) + Math.min(difference!.reach, 3 * difference!.error)),
  )
  const x = (value: number) => round((LEFT + RIGHT) / 2 + (Math.max(-1, Math.min(1, value / far)) * (RIGHT - LEFT)) / 2)
  const height = ROW * (shown.length + 1)
  const rows = shown.map(({ name, difference }, i) => {
    const { mean, error, reach } = difference!
    const y = ROW * i + ROW / 2
    const told = `${name}: ${(100 * mean).toFixed(1)} ± ${(100 * error).toFixed(1)}`
    return html`<text x="${LEFT - 10}" y="${y + 4}" text-anchor="end">${name}</text>
<path class="outline" d="M${x(mean - reach)} ${y}H${x(mean + reach)}"/>
<rect class="bar" x="${x(mean - error)}" y="${y - 5}" width="${round(Math.max(1, x(mean + error) - x(mean - error)))}" height="10"><title>${told}</title></rect>`
  })
  const ticks = [-far, 0, far].map(
    (value) => html`<text x="${x(value)}" y="${height - 4}" text-anchor="middle">${(100 * value).toFixed(1)}</text>`,
  )
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Differences to clean with their intervals"><path class="grid" d="M${x(0)} 0V${height - ROW}"/>${rows}${ticks}</svg>`
}

/** The loss as a line and the accuracy as dots, on the axes of all arms. */
function curveChart({ name, curve }: ShownArm, arms: readonly ShownArm[]): Html {
  const [width, height, foot] = [480, 160, 18]
  const all = arms.flatMap((arm) => arm.curve)
  const [steps, most] = [Math.max(1, ...all.map(({ step }) => step)), Math.max(...all.map(({ loss }) => loss), 1e-6)]
  const x = (step: number) => round((step / steps) * width)
  const y = (share: number) => round((1 - share) * (height - foot))
  const line = curve.map(({ step, loss }, i) => `${i === 0 ? 'M' : 'L'}${x(step)} ${y(loss / most)}`).join('')
  const dots = curve
    .filter(({ accuracy }) => accuracy !== null)
    .map(
      ({ step, accuracy }) =>
        html`<circle class="bar" cx="${x(step)}" cy="${y(accuracy!)}" r="4"><title>step ${step}: ${(100 * accuracy!).toFixed(1)} % right</title></circle>`,
    )
  return html`<section class="chart"><h3>${name}</h3><p>Line: loss on what it learns from, up to ${most.toFixed(2)}; dots: accuracy on held-out pictures, up to 100 %.</p>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Learning curve of ${name}"><path class="grid" d="M0 ${y(0)}H${width}M0 ${y(1)}H${width}"/><path class="outline" d="${line}"/>${dots}<text x="${width}" y="${height - 3}" text-anchor="end">${steps} steps</text></svg></section>`
}

const round = (value: number) => Math.round(100 * value) / 100
