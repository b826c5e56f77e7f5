/** The report's style sheet: system fonts, one accent colour, light and dark as the reader's system asks. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fcfcfb; --card: #ffffff; --text: #1b1d1f; --quiet: #5f656b; --line: #e2e2de;
  --accent: #0d6e75; --partner: #b9bdc1; --others: #d8dadc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131416; --card: #1a1c1e; --text: #e9e9e6; --quiet: #a2a7ac; --line: #303336;
    --accent: #5fc3bf; --partner: #60666c; --others: #3d4246;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 84rem;
  background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
h1 { margin: 0; font-size: 1.9rem; font-weight: 650; letter-spacing: -0.015em; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 3.5rem 0 1rem; font-size: 1.15rem; font-weight: 650; }
h3 { margin: 0; font-size: 0.95rem; font-weight: 600; }
p { margin: 0.4rem 0; max-width: 70ch; }
a { color: var(--accent); }
.quiet, .eyebrow, figcaption, caption, .lead { color: var(--quiet); }
.eyebrow { margin: 0 0 0.3rem; font-size: 0.85rem; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; padding: 0.4rem 0.8rem; background: var(--card); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
nav { display: flex; flex-wrap: wrap; gap: 0.3rem 1.4rem; margin-top: 1rem; font-size: 0.9rem; }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1px; margin: 2rem 0 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.facts div { padding: 0.9rem 1.1rem; background: var(--card); }
.facts dt { color: var(--quiet); font-size: 0.85rem; }
.facts dd { margin: 0; font-size: 1.5rem; font-weight: 600; letter-spacing: -0.01em; line-height: 1.3; }
.facts small { display: block; color: var(--quiet); font-size: 0.8rem; font-weight: 400; letter-spacing: 0; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1.25rem; }
.chart { margin: 0; padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.chart > p { margin: 0.15rem 0 0.8rem; color: var(--quiet); font-size: 0.87rem; }
.chart > svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--quiet); font-size: 11px; }
svg .bar, svg .part-0 { fill: var(--accent); }
svg .other, svg .part-1 { fill: var(--partner); }
svg .part-2 { fill: var(--others); }
svg .grid { fill: none; stroke: var(--line); }
svg .outline { fill: none; stroke: var(--text); stroke-width: 1.5; }
svg rect:hover { opacity: 0.75; }
details { margin-top: 0.6rem; font-size: 0.85rem; }
summary { width: fit-content; color: var(--quiet); cursor: pointer; }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.35em; border-radius: 2px; background: var(--accent); }
.swatch.line { height: 0; border-top: 2px solid var(--text); border-radius: 0; background: none; vertical-align: 0.25em; }
.swatch.other { background: var(--partner); }

table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
tbody th { font-weight: 400; overflow-wrap: anywhere; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.plain { width: auto; font-size: 0.9rem; }
.plain th, .plain td { padding-right: 1.75rem; }
.plain th { overflow-wrap: break-word; }
.plain td { overflow-wrap: anywhere; }
.balance { font-size: 0.85rem; }
.balance th, .balance td { padding: 0.15rem 0.9rem 0.15rem 0; border: 0; line-height: 1.3; vertical-align: middle; white-space: nowrap; }
.balance tbody th { max-width: min(12rem, 24vw); overflow: hidden; text-overflow: ellipsis; }
.balance thead th { color: var(--quiet); font-weight: 400; }
.balance td:last-child { width: 55%; padding-right: 0; }
.bars { display: block; width: 100%; height: 10px; }

.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6rem; margin-bottom: 0.9rem; }
select, button { font: inherit; color: inherit; }
select { max-width: 100%; padding: 0.3rem 0.5rem; background: var(--card); border: 1px solid var(--partner); border-radius: 6px; }
#shown { color: var(--quiet); }
#outputs { font-size: 0.87rem; }
#outputs thead th { position: sticky; top: 0; z-index: 1; padding: 0.6rem 0.75rem 0.6rem 0; background: var(--page);
  color: var(--quiet); font-weight: 500; white-space: nowrap; box-shadow: inset 0 -1px var(--line); border: 0; }
#outputs td, #outputs tbody th { padding-top: 0.9rem; padding-bottom: 0.9rem; }
#outputs tbody th { color: var(--quiet); }
#outputs img { display: block; border-radius: 4px; box-shadow: 0 0 0 1px var(--line); }
#outputs img.exact { image-rendering: pixelated; }
#outputs figure { margin: 0; }
#outputs figcaption { max-width: 96px; margin-top: 0.25rem; font-size: 0.8rem; line-height: 1.25; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; }
#outputs ul { margin: 0.4rem 0 0; padding: 0; list-style: none; }
#outputs li { display: flex; justify-content: space-between; gap: 0.8rem; }
#outputs li bdi { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 9rem; }
.split { display: block; width: 100%; min-width: 8rem; height: 8px; border-radius: 4px; }
button[data-key] { padding: 0.1rem 0.3rem; margin: -0.1rem -0.3rem; background: none; border: 0; border-radius: 4px; cursor: pointer; }
button[data-key]:hover { color: var(--accent); }
button[data-key]::after { content: " \\2195"; opacity: 0.5; }
[aria-sort] button { color: var(--accent); }
[aria-sort="ascending"] button::after { content: " \\2191"; opacity: 1; }
[aria-sort="descending"] button::after { content: " \\2193"; opacity: 1; }
@media (max-width: 68rem) { .scroll { overflow-x: auto; } #outputs thead th { position: static; } }
@media (max-width: 30rem) { svg text { font-size: 18px; } .balance td:last-child { width: 40%; } }
@media print { nav, .controls, .skip { display: none; } tr, .chart { break-inside: avoid; } }
`

/** Filters the outputs by class and sorts them; without it the page shows them all in order. */
export const SCRIPT = `
const body = document.querySelector('#outputs tbody')
const rows = [...body.rows]
const filter = document.querySelector('#class')
const shown = document.querySelector('#shown')
const buttons = [...document.querySelectorAll('#outputs button')]
let sorted = { key: 'index', rising: true }

function arrange() {
  const { key, rising } = sorted
  const order = (a, b) => Number(a.dataset[key]) - Number(b.dataset[key])
  const byIndex = (a, b) => a.dataset.index - b.dataset.index
  rows.sort((a, b) => (rising ? order(a, b) : order(b, a)) || byIndex(a, b))
  for (const row of rows) row.hidden = filter.value !== '' && !row.dataset.classes.split(' ').includes(filter.value)
  body.append(...rows)
  for (const button of buttons) {
    const heading = button.closest('th')
    if (button.dataset.key === key) heading.ariaSort = rising ? 'ascending' : 'descending'
    else heading.removeAttribute('aria-sort')
  }
  shown.textContent = rows.filter((row) => !row.hidden).length + ' of ' + rows.length + ' shown'
}

filter.addEventListener('change', arrange)
for (const button of buttons) {
  button.addEventListener('click', () => {
    const { key } = button.dataset
    sorted = { key, rising: sorted.key === key ? !sorted.rising : true }
    arrange()
  })
}
document.querySelector('.controls').hidden = false
arrange()
`
