/** The contact sheet of the report: one row per output, the same kind of picture in each column. */
import { inWords, splitBar } from './chart.js'
import type { Report, ShownOutput } from './contents.js'
import { type Html, html, when } from './html.js'
import type { Thumbnail } from './thumbnail.js'

/** Longest side of a picture on the page, in CSS pixels. */
const SIDE = 96

/** Classes named below a picture; the others are counted. */
const NAMED = 3

/** The table and what filters and sorts it. */
export function outputTable({ outputs, classes }: Report): Html {
  const withSaliency = outputs.some(({ pictures }) => pictures.sampleSaliency !== null)
  const withShift = outputs.some(({ shift }) => shift !== undefined)
  const headings = [
    'Sample',
    'Partner',
    ...(withSaliency ? ['Sample saliency', 'Partner saliency'] : []),
    'Mask',
    'Mix',
  ]
  return html`${controls(outputs, classes)}
<div class="scroll" role="region" aria-label="Outputs" tabindex="0">
<table id="outputs">
<thead><tr>
${sortable('index', '#', 'output number', 'ascending')}
${headings.map((heading) => html`<th scope="col">${heading}</th>`)}
<th scope="col">Soft label</th>
${sortable('lambda', 'Lambda', 'lambda')}
${when(withShift, () => html`<th scope="col">Shift</th>${sortable('total', 'Total saliency', 'total saliency')}`)}
</tr></thead>
<tbody>
${outputs.map((output) => row(output, classes, withSaliency, withShift))}
</tbody>
</table>
</div>`
}

function controls(outputs: readonly ShownOutput[], classes: readonly string[]): Html {
  const counts = new Map<number, number>()
  for (const { weights } of outputs) for (const { label } of weights) counts.set(label, (counts.get(label) ?? 0) + 1)
  const options = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([label, count]) => html`<option value="${label}">${classes[label]!} (${count})</option>`)
  return html`<div class="controls" hidden>
<label for="class">Class</label>
<select id="class"><option value="">all classes (${outputs.length})</option>${options}</select>
<output id="shown" for="class"></output>
</div>`
}

function sortable(key: string, heading: string, meaning: string, sorted?: 'ascending'): Html {
  return html`<th scope="col"${sorted === undefined ? '' : html` aria-sort="${sorted}"`}><button type="button" data-key="${key}" title="Sort by ${meaning}">${heading}</button></th>`
}

function row(output: ShownOutput, classes: readonly string[], withSaliency: boolean, withShift: boolean): Html {
  const { index, file, sources, pictures, weights, lambda, totalSaliency } = output
  const [sample, partner] = sources
  const [a, b] = [described(sample), described(partner)]
  const keys = html`data-index="${index}" data-lambda="${lambda}" data-total="${totalSaliency ?? ''}"`
  return html`<tr ${keys} data-classes="${weights.map(({ label }) => label).join(' ')}">
<th scope="row" title="${file}">${index}</th>
<td>${figure(pictures.sample, `sample ${a}`, sample)}</td>
<td>${figure(pictures.partner, `partner ${b}`, partner)}</td>
${when(
  withSaliency,
  () => html`<td>${figure(pictures.sampleSaliency, `saliency of ${a}`)}</td>
<td>${figure(pictures.partnerSaliency, `saliency of ${b}`)}</td>`,
)}
<td>${figure(pictures.mask, `mask, white where ${a} shows`)}</td>
<td>${figure(pictures.mix, `mix of ${sources.map(described).join(' and ')}`)}</td>
<td>${softLabel(output, classes)}</td>
<td class="number">${lambda.toFixed(3)}</td>
${when(withShift, () => shiftCells(output))}
</tr>
`
}

function described(source: ShownOutput['sources'][number] | undefined): string {
  return source === undefined ? 'no picture' : `${source.file} (${source.label})`
}

function figure(
  picture: Thumbnail | null,
  alt: string,
  source?: { readonly file: string; readonly label: string },
): Html {
  if (picture === null) return html`<span class="quiet">none</span>`
  const scale = SIDE / Math.max(picture.width, picture.height)
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)))
  const image = html`<img src="${picture.uri}" alt="${alt}" width="${width!}" height="${height!}" loading="lazy" decoding="async"${
    picture.exact ? html` class="exact"` : ''
  }>`
  if (source === undefined) return image
  return html`<figure>${image}<figcaption title="${source.file}"><bdi>${source.label}</bdi></figcaption></figure>`
}

function softLabel({ weights }: ShownOutput, classes: readonly string[]): Html {
  const named = weights.slice(0, NAMED)
  const lines = named.map(
    ({ label, weight }) =>
      html`<li><bdi>${classes[label]!}</bdi> <span class="number">${weight.toFixed(3)}</span></li>`,
  )
  const others = weights.length - named.length
  return html`${splitBar(weights.map(({ weight }) => weight))}<ul>${lines}${when(
    others > 0,
    () => html`<li class="quiet">and ${others} more</li>`,
  )}</ul>`
}

function shiftCells({ shift, totalSaliency, totalSaliencyUnshifted }: ShownOutput): Html {
  if (shift === undefined || totalSaliency === undefined || totalSaliencyUnshifted === undefined)
    return html`<td></td><td></td>`
  return html`<td>${inWords(...shift)}</td>
<td class="number">${totalSaliency.toFixed(3)}<br><span class="quiet">${totalSaliencyUnshifted.toFixed(3)} unshifted</span></td>`
}
