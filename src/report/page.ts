/** The report on a run, as a page. */
import { counted } from '../core/counted.js'
import { histogramChart, rangeOf, shiftChart, twoBars } from './chart.js'
import type { Report } from './contents.js'
import { document } from './document.js'
import type { Histogram, ShiftMap } from './histogram.js'
import { type Html, html, when } from './html.js'
import { outputTable } from './outputTable.js'

/** The page as text. Names of files and classes are escaped; nothing but its own script and style may run. */
export function page(report: Report): string {
  const { name, outputs } = report
  const body = html`<a class="skip" href="#outputs-title">Skip to the outputs</a>
${header(report)}
<main>
<h2 id="distributions">Distributions</h2>
${distributions(report)}
<h2 id="outputs-title" tabindex="-1">Outputs</h2>
${outputs.length === 0 ? html`<p>Nothing was mixed.</p>` : html`<p>${chosen(report)}</p>${outputTable(report)}`}
<h2 id="failures">Failures</h2>
${failures(report)}
<h2 id="run">The run</h2>
${record(report)}
</main>`
  return document(`${name} - sage-augment report`, body, { isSorted: outputs.length > 0 })
}

function header({ name, counts, statistics, classes }: Report): Html {
  const { mixes, rows, lambda, totalSaliency, totalSaliencyUnshifted } = statistics
  const facts: [string, string, string][] = [
    [
      'Outputs',
      String(counts.written),
      rows > mixes
        ? `${counted(mixes, 'mix', 'mixes')}, ${counted(rows - mixes, 'original')}`
        : `of ${counts.planned} planned`,
    ],
    ['Skipped', String(counts.skipped), counts.skipped > 0 ? 'listed below' : 'every picture was usable'],
    ['Classes', String(classes.length), ''],
  ]
  if (mixes > 0) facts.push(['Mean lambda', lambda.mean.toFixed(3), 'weight of the sample'])
  if (totalSaliency.count > 0) {
    facts.push([
      'Mean total saliency',
      totalSaliency.mean.toFixed(3),
      `${totalSaliencyUnshifted.mean.toFixed(3)} without the shift`,
    ])
  }
  return html`<header>
<p class="eyebrow">sage-augment report</p>
<h1><bdi>${name}</bdi></h1>
<nav aria-label="Sections"><a href="#distributions">Distributions</a><a href="#outputs-title">Outputs</a><a href="#failures">Failures</a><a href="#run">The run</a></nav>
<dl class="facts">${facts.map(([term, value, note]) => html`<div><dt>${term}</dt><dd>${value}<small>${note}</small></dd></div>`)}</dl>
</header>`
}

function chosen({ outputs, statistics: { mixes } }: Report): string {
  return outputs.length === mixes
    ? `All ${counted(mixes, 'mix', 'mixes')}.`
    : `${outputs.length} of ${mixes} mixes, evenly from first to last.`
}

function distributions(report: Report): Html {
  const { lambda, totalSaliency, totalSaliencyUnshifted, shift, mixes } = report.statistics
  return html`<div class="charts">
${when(mixes > 0, () =>
  panel(
    'Lambda',
    'How many mixes give the sample this share of picture and label.',
    histogramChart('Histogram of lambda', lambda),
    [['Mixes', lambda]],
  ),
)}
${when(totalSaliency.count > 0, () =>
  panel(
    'Total saliency',
    html`<span class="swatch"></span>kept by the mix at its shift, <span class="swatch line"></span>and without a shift.`,
    histogramChart('Histogram of total saliency, with and without the shift', totalSaliency, totalSaliencyUnshifted),
    [
      ['At its shift', totalSaliency],
      ['Without', totalSaliencyUnshifted],
    ],
  ),
)}
${shift === null ? '' : panel('Shift', shiftWords(shift), shiftChart('How often each shift of the partner was chosen', shift), [])}
${balance(report)}
</div>`
}

function shiftWords(shift: ShiftMap): string {
  const [across, along] = shift.mean.map((length) => length.toFixed(1))
  const still = ((100 * shift.still) / shift.count).toFixed(1)
  return `Where partners move to, in cells of the ${shift.width} x ${shift.height} saliency map: on average ${across} to a side and ${along} up or down. ${still} % stay in place.`
}

function panel(title: string, words: string | Html, chart: Html, numbers: readonly [string, Histogram][]): Html {
  return html`<section class="chart"><h3>${title}</h3><p>${words}</p>
${chart}
${when(
  numbers.length > 0,
  () =>
    html`<details><summary>Numbers</summary><table><thead><tr><th scope="col">${title}</th>${numbers.map(
      ([name]) => html`<th scope="col">${name}</th>`,
    )}</tr></thead><tbody>${Array.from(
      numbers[0]![1].bins,
      (_, i) =>
        html`<tr><th scope="row">${rangeOf(i, numbers[0]![1].bins.length)}</th>${numbers.map(
          ([, { bins }]) => html`<td class="number">${bins[i]!}</td>`,
        )}</tr>`,
    )}</tbody></table></details>`,
)}
</section>`
}

/** Classes that are shown one by one; of more, the heaviest and the lightest. */
const LISTED = 24

function balance({ classes, statistics, sourceLabels }: Report): Html {
  const [made, given] = [statistics.labels, sourceLabels].map(shares) as [Float64Array, Float64Array]
  const order = classes.map((_, i) => i)
  const all = classes.length <= LISTED
  if (!all) order.sort((a, b) => made[b]! - made[a]! || a - b)
  const listed = all ? order : [...order.slice(0, LISTED / 2), ...order.slice(-LISTED / 2)]
  const largest = Math.max(...made, ...given) || 1
  const rows = listed.map(
    (
      i,
    ) => html`<tr><th scope="row" title="${classes[i]!}"><bdi>${classes[i]!}</bdi></th><td class="number">${percent(made[i]!)}</td>
<td class="number quiet">${percent(given[i]!)}</td><td>${twoBars(made[i]!, given[i]!, largest)}</td></tr>`,
  )
  return html`<section class="chart"><h3>Class balance</h3>
<p><span class="swatch"></span>Share of the outputs' soft labels, <span class="swatch other"></span>share of the sources.${
    all ? '' : ` The ${LISTED / 2} heaviest and the ${LISTED / 2} lightest of ${classes.length} classes.`
  }</p>
<table class="balance"><thead><tr><th scope="col">Class</th><th scope="col">Outputs</th><th scope="col">Sources</th><td></td></tr></thead>
<tbody>${rows}</tbody></table></section>`
}

function shares(sums: Float64Array): Float64Array {
  const total = sums.reduce((sum, value) => sum + value, 0)
  return sums.map((value) => (total > 0 ? value / total : 0))
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function failures({ failures, counts }: Report): Html {
  if (counts.skipped === 0) return html`<p>None: every planned output was made.</p>`
  const rest = counts.skipped - failures.length
  return html`<p>${counted(counts.skipped, 'output')} ${counts.skipped === 1 ? 'was' : 'were'} left out${rest > 0 ? `; the first ${failures.length} are here, all in failures.jsonl` : ''}.</p>
<table class="plain"><thead><tr><th scope="col">Output</th><th scope="col">Reason</th></tr></thead><tbody>
${failures.map(({ index, message }) => html`<tr><th scope="row">${index}</th><td>${message}</td></tr>`)}
</tbody></table>`
}

function record({ record }: Report): Html {
  const rows = leaves(record).map(
    ([name, value]) =>
      html`<tr><th scope="row">${breakable(name)}</th><td>${typeof value === 'string' ? value : JSON.stringify(value)}</td></tr>`,
  )
  return html`<p>As in run.json, where the times are too.</p><table class="plain"><tbody>${rows}</tbody></table>`
}

/** A dotted name that may be broken after its dots. */
function breakable(name: string): Html[] {
  return name.split(/(?<=\.)/).map((part) => html`${part}<wbr>`)
}

/** Name and value of everything in a record, by dotted name; what is not set is left out. */
function leaves(record: Readonly<Record<string, unknown>>, prefix = ''): [string, unknown][] {
  return Object.entries(record).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined || value === null) return []
    if (typeof value !== 'object' || Array.isArray(value)) return [[`${prefix}${key}`, value]]
    return leaves(value as Readonly<Record<string, unknown>>, `${prefix}${key}.`)
  })
}
