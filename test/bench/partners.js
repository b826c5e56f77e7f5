/**
 * How many different partners a picture meets over the epochs of a plan, next to partners that are drawn at random from all:
 *
 *     node test/bench/partners.js [pictures] [epochs] [classes]
 *
 * The classes are of equal size.
 */
import { blockSize, planEpochs } from '../../dist/run/plan.js'

const [n, epochs, classes] = [20_000, 8, 10].map((usual, i) => Number(process.argv[2 + i] ?? usual))
const labels = Int32Array.from({ length: n }, (_, i) => Math.floor((i * classes) / n))
/** Of random draws from k: k (1 - (1 - 1/k)^epochs). */
const expected = (k) => k * -Math.expm1(epochs * Math.log1p(-1 / k))
const choices = { any: n - 1, 'different-class': n - n / classes, 'same-class': n / classes - 1 }

for (const [pairing, k] of Object.entries(choices)) {
  const block = blockSize(undefined)
  const plan = planEpochs(labels, { count: epochs * n, pairing, seed: 0, originals: false, block })
  const met = Array.from({ length: n }, () => new Set())
  const asPartner = new Int32Array(n)
  for (let i = 0; i < plan.length; i++) {
    const [sample, partner] = plan.job(i).sources
    met[sample].add(partner)
    asPartner[partner]++
  }
  const counts = met.map(({ size }) => size).sort((a, b) => a - b)
  const mean = counts.reduce((a, b) => a + b, 0) / n
  const quantile = (q) => counts[Math.floor(q * (n - 1))]
  const times = asPartner.reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [epochs, 0])
  process.stdout.write(
    `${pairing.padEnd(16)} mean ${mean.toFixed(3)} of ${epochs} (at random ${expected(k).toFixed(3)}), least ${counts[0]}, ` +
      `1 % below ${quantile(0.01)}, half below ${quantile(0.5)}; partner ${times.join(' to ')} times\n`,
  )
}
