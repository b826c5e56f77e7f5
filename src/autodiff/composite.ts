/**
 * Domain of nodes that stand for several, which no runtime knows: a later pass writes them out. `Interleave` (see window),
 * `Rearrange` (inputCotangent), `KernelCotangent` and `Inside` (steps).
 */
export const COMPOSITE = 'sage-augment.composite'
