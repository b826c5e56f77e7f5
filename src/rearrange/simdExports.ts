/** Exports of assembly/kernel.ts, where each is described; pointers are byte offsets into `memory`. */
export interface SimdExports {
  readonly memory: WebAssembly.Memory
  pad(map: number, width: number, height: number, to: number): void
  padReversed(map: number, width: number, height: number, to: number): void
  invert(map: number, width: number, height: number, unit: number, to: number): void
  integrate(map: number, width: number, height: number, columns: number, to: number): void
  retain(
    table: number,
    width: number,
    height: number,
    firstX: number,
    firstY: number,
    columns: number,
    low: number,
    high: number,
    rows: number,
    to: number,
  ): void
  decay(map: number, bytes: number, rate: number, to: number): void
  transformColumns(
    a: number,
    aDecays: number,
    aWidth: number,
    aHeight: number,
    aScale: number,
    b: number,
    bDecays: number,
    bWidth: number,
    bHeight: number,
    bScale: number,
    stride: number,
    use: number,
    keep: number,
    scratch: number,
    spectra: number,
    pointsX: number,
    pointsY: number,
    twiddles: number,
  ): number
  addSquares(
    spectra: number,
    columns: number,
    pointsX: number,
    pointsY: number,
    twiddles: number,
    weight: number,
    first: boolean,
    sum: number,
  ): number
  subtractConvolution(
    sum: number,
    pointsX: number,
    pointsY: number,
    twiddlesX: number,
    twiddlesY: number,
    scale: number,
    spectra: number,
    firstGroup: number,
    groups: number,
    firstRow: number,
    rows: number,
    bounds: number,
  ): void
  collisions(a: number, b: number, columns: number, rows: number, stride: number): number
  greatest(values: number, count: number): number
  collect(values: number, count: number, threshold: number, to: number): number
}
