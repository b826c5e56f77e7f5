/**
 * Time and memory that the plan of a large run takes, from a labels.csv and a folder of (empty) pictures made for it:
 *
 *     node test/bench/plan.js [rows]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseConfig } from '../../dist/run/config.js'
import { planRun, readInputs } from '../../dist/run/inputs.js'
import { takeStock } from '../../dist/run/stock.js'
import { usedBy } from '../../dist/run/used.js'

const rows = Number(process.argv[2] ?? 1_000_000)
const folder = mkdtempSync(path.join(tmpdir(), 'sage-bench-'))
const lines = ['file_name,label']
for (let i = 0; i < rows; i++) {
  const home = String(Math.floor(i / 1000)).padStart(5, '0')
  if (i % 1000 === 0) mkdirSync(path.join(folder, home))
  const file = `${home}/${String(i).padStart(9, '0')}.jpg`
  writeFileSync(path.join(folder, file), '')
  lines.push(`${file},class ${i % 100}`)
}
writeFileSync(path.join(folder, 'labels.csv'), `${lines.join('\n')}\n`)
lines.length = 0

/** Runs a step and prints its time on the clock and on the processor. */
async function timed(name, step) {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  const result = await step()
  const { user, system } = process.cpuUsage(cpu)
  const [wall, busy] = [(performance.now() - began) / 1000, (user + system) / 1e6]
  process.stdout.write(`${name.padEnd(24)} ${wall.toFixed(1).padStart(6)} s, ${busy.toFixed(1)} s of CPU\n`)
  return result
}

const config = parseConfig({ images: folder })
const inputs = await timed('read folder and labels', () => readInputs(config))
const plan = await timed('pair', () => planRun(inputs, config))
const shard = { start: 0, end: Math.ceil(rows / 1000) }
await timed('look at a thousandth', () => takeStock(inputs, usedBy(plan, shard, inputs, config)))
await timed('look at all pictures', () => takeStock(inputs, usedBy(plan, { start: 0, end: rows }, inputs, config)))
const peak = process.resourceUsage().maxRSS / 1024
process.stdout.write(`${plan.length} outputs, peak RSS ${peak.toFixed(0)} MB, making the pictures included\n`)
rmSync(folder, { recursive: true })
