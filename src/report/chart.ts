/** Charts as SVG; their colours come from the page's style. */
import type { Histogram, ShiftMap } from './histogram.js'
import { type Html, html } from './html.js'

const [WIDTH, HEIGHT] = [480, 210]

/** Edges of the plot of histograms. */
const [LEFT, RIGHT, TOP, BOTTOM] = [34, WIDTH - 12, 10, HEIGHT - 24]

/** Histograms of values in [0, 1]: the first as bars, a second one as an outline over them. */
export function histogramChart(title: string, filled: Histogram, outlined?: Histogram): Html {
  const highest = Math.max(1, ...filled.bins, ...(outlined?.bins ?? []))
  const x = (value: number) => LEFT + value * (RIGHT - LEFT)
  const y = (count: number) => BOTTOM - (count / highest) * (BOTTOM - TOP)
  const bin = (right: number) => right / filled.bins.length
  const bars = Array.from(filled.bins, (count, i) => {
    const hint = `${rangeOf(i, filled.bins.length)}: ${count}`
    return rect(x(bin(i)) + 1, y(count), x(bin(i + 1)) - x(bin(i)) - 1, BOTTOM - y(count), hint, 1)
  })
  const steps = Array.from(outlined?.bins ?? [], (count, i) => `V${round(y(count))}H${round(x(bin(i + 1)))}`)
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((value) => text(x(value), BOTTOM + 17, 'middle', String(value)))
  return chart(
    title,
    html`<path class="grid" d="M${LEFT} ${TOP}H${RIGHT}M${LEFT} ${BOTTOM}H${RIGHT}"/>
${text(LEFT - 7, TOP + 4, 'end', String(highest))}${text(LEFT - 7, BOTTOM + 4, 'end', '0')}${ticks}
${bars}${outlined === undefined ? '' : html`<path class="outline" d="M${LEFT} ${BOTTOM}${steps.join('')}V${BOTTOM}"/>`}`,
  )
}

/** `0.35 to 0.4`: the values in bin `i` of `bins` over [0, 1]. */
export function rangeOf(i: number, bins: number): string {
  return `${round(i / bins)} to ${round((i + 1) / bins)}`
}

/** Longer side of the plot of shifts. */
const SIDE = 168

/** How often each shift was chosen: the more often, the stronger the colour; where the lines cross there is no shift. */
export function shiftChart(title: string, { columns, rows, cells, step, width: w, height: h }: ShiftMap): Html {
  const size = SIDE / Math.max(columns, rows)
  const [left, top] = [(WIDTH - columns * size) / 2, TOP + (SIDE - rows * size) / 2]
  const [right, bottom] = [WIDTH - left, top + rows * size]
  const most = Math.max(...cells)
  const squares = Array.from(cells, (count, i) => {
    const [column, row] = [i % columns, Math.floor(i / columns)]
    const [dx, dy] = [(column - (columns - 1) / 2) * step, (row - (rows - 1) / 2) * step]
    const hint = `${step > 1 ? 'about ' : ''}${inWords(dx, dy)}: ${count}`
    return (
      count && rect(left + column * size, top + row * size, size, size, hint, 0.15 + 0.85 * Math.sqrt(count / most))
    )
  })
  return chart(
    title,
    html`<path class="grid" d="M${round(left)} ${round(top)}H${round(right)}V${round(bottom)}H${round(left)}Z"/>
${squares.filter((square) => square !== 0)}
<path class="grid" d="M${round(left)} ${round((top + bottom) / 2)}H${round(right)}M${WIDTH / 2} ${round(top)}V${round(bottom)}"/>
${text(left - 8, (top + bottom) / 2 + 4, 'end', `${w - 1} left`)}${text(right + 8, (top + bottom) / 2 + 4, 'start', `${w - 1} right`)}
${text(WIDTH / 2, bottom + 17, 'middle', `${h - 1} down`)}`,
  )
}

/** `3 right, 4 down`: a shift as people say it. */
export function inWords(dx: number, dy: number): string {
  const across = dx === 0 ? [] : [`${Math.abs(dx)} ${dx > 0 ? 'right' : 'left'}`]
  const along = dy === 0 ? [] : [`${Math.abs(dy)} ${dy > 0 ? 'down' : 'up'}`]
  return [...across, ...along].join(', ') || 'none'
}

/** Two shares of a whole as bars, one above the other: the outputs' in colour, the sources' below it. */
export function twoBars(share: number, other: number, whole: number): Html {
  return html`<svg class="bars" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"
><rect class="bar" width="${round((100 * share) / whole)}" height="6"/><rect class="other" y="7" width="${round(
    (100 * other) / whole,
  )}" height="3"/></svg>`
}

/** Weights that sum to 1 as one bar: the first in colour, each other one in a grey. */
export function splitBar(weights: readonly number[]): Html {
  let left = 0
  const parts = weights.map((weight, i) => {
    const part = html`<rect class="part-${Math.min(i, 2)}" x="${round(left)}" width="${round(100 * weight)}" height="8"/>`
    left += 100 * weight
    return part
  })
  return html`<svg class="split" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>`
}

function chart(title: string, content: Html): Html {
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${content}</svg>`
}

function rect(x: number, y: number, width: number, height: number, hint: string, opacity: number): Html {
  return html`<rect class="bar" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(
    height,
  )}" fill-opacity="${round(opacity)}"><title>${hint}</title></rect>`
}

function text(x: number, y: number, anchor: 'start' | 'middle' | 'end', content: string): Html {
  return html`<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${content}</text>`
}

function round(value: number): number {
  return Math.round(100 * value) / 100
}
