/**
 * The learning rate of step `step` of `steps`, as a share of the largest: rising in equal steps during the first `warmup`
 * of them, then falling along half a cosine towards 0 (Loshchilov & Hutter 2017, arXiv 1608.03983).
 */
export function rateAt(step: number, steps: number, warmup: number): number {
  if (step < warmup) return (step + 1) / warmup
  return 0.5 * (1 + Math.cos((Math.PI * (step - warmup)) / Math.max(1, steps - warmup)))
}
