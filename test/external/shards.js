/**
 * A run in many shards, a tenth of them killed at a random moment and begun again, against the same run in one piece. Not part
 * of the tests, for its length; needs `npm run build`.
 *
 *     node test/external/shards.js [shards] [share killed] [seed]
 *
 * A process makes one shard after the other, since most of a small one is its start; SIGKILL hits whichever it is at, and the next
 * process goes on with that one. Prints what was killed, and at the end whether the merged run is the whole one, byte by byte.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const PER_SHARD = 10
const PICTURES = 40

const self = fileURLToPath(import.meta.url)
const library = new URL('../../dist/index.js', import.meta.url)

/** The task of a process: the shards of `folder` from `first` on, each told before it begins and after it has ended. */
async function makeShards(folder, first, count) {
  const { augment } = await import(library)
  for (let shard = first; shard <= count; shard++) {
    process.send({ begins: shard })
    for await (const _ of augment(options(folder, path.join(folder, `s-${shard}`), count, `${shard}/${count}`)));
    process.send({ ended: shard })
  }
}

const options = (folder, out, count, shard) => ({
  ...{ images: path.join(folder, 'in'), out, method: 'mixup', count: PER_SHARD * count, jobs: 1 },
  ...(shard && { shard }),
})

/** Makes all shards, `share` of them killed after a random part of the time that they usually take. */
async function withKills(folder, count, share, random) {
  let [next, kills, usual] = [1, 0, 200]
  const killed = new Set()
  while (next <= count) {
    const child = spawn(process.execPath, [self, '--shards', folder, next, count], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let [timer, began] = [undefined, 0]
    child.on('message', ({ begins, ended }) => {
      if (begins !== undefined) began = performance.now()
      // Once: what is begun again is let be.
      if (begins !== undefined && !killed.has(begins) && random() < share) {
        killed.add(begins)
        timer = setTimeout(() => child.kill('SIGKILL'), random() * usual)
      }
      if (ended === undefined) return
      clearTimeout(timer)
      usual += (performance.now() - began - usual) / 16
      next = ended + 1
    })
    const [code, signal] = await new Promise((resolve) => child.on('close', (...how) => resolve(how)))
    if (signal === 'SIGKILL') kills++
    else if (code !== 0) throw new Error(`a process ended with ${code}`)
  }
  return { kills, usual: Math.round(usual) }
}

const say = (text) => process.stdout.write(`${text}\n`)

/** Mulberry32. */
function randomFrom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** SHA-256 of every file below a folder but run.json, by name. */
function hashes(folder) {
  const files = readdirSync(folder, { recursive: true }).filter(
    (name) => name !== 'run.json' && statSync(path.join(folder, name)).isFile(),
  )
  return JSON.stringify(
    files.sort().map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(path.join(folder, name)))
        .digest('hex'),
    ]),
  )
}

async function main(count, share, seed) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sage-shards-'))
  try {
    for (let i = 0; i < PICTURES; i++) {
      const place = path.join(folder, 'in', i % 2 ? 'cat' : 'dog')
      mkdirSync(place, { recursive: true })
      const pixels = Buffer.from(Array.from({ length: 64 }, (_, at) => (37 * i + 11 * at) % 256))
      writeFileSync(path.join(place, `${i}.pgm`), Buffer.concat([Buffer.from('P5 8 8 255\n'), pixels]))
    }
    const { augment, merge } = await import(library)
    const began = performance.now()
    const { kills, usual } = await withKills(folder, count, share, randomFrom(seed))
    say(
      `${count} shards of ${PER_SHARD}, ${kills} killed, in ${((performance.now() - began) / 1000).toFixed(0)} s; a shard takes ${usual} ms`,
    )
    const parts = Array.from({ length: count }, (_, i) => path.join(folder, `s-${i + 1}`))
    const joining = performance.now()
    await merge(parts, path.join(folder, 'all'))
    say(`merged in ${((performance.now() - joining) / 1000).toFixed(1)} s`)
    for await (const _ of augment(options(folder, path.join(folder, 'whole'), count)));
    const same = hashes(path.join(folder, 'all')) === hashes(path.join(folder, 'whole'))
    say(same ? 'equal to the run in one piece' : 'DIFFERENT from the run in one piece')
    process.exitCode = same ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--shards') {
  await makeShards(rest[0], Number(rest[1]), Number(rest[2]))
  process.disconnect()
} else await main(Number(first ?? 1000), Number(rest[0] ?? 0.1), Number(rest[1] ?? 1))
