export { addSquares, decay, subtractConvolution, transformColumns } from './overlap'
export { integrate, invert, pad, padReversed, retain } from './maps'
export { collect, collisions, greatest } from './search'
