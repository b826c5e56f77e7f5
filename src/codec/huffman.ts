/** Optimal Huffman codes of at most 16 bits, as JPEG has them (ITU T.81, annex K.2), tie by tie as libjpeg-turbo. */

export interface Huffman {
  /** How many codes there are of 1 to 16 bits, and the symbols by rising length. */
  readonly lengths: readonly number[]
  readonly symbols: readonly number[]
  /** By symbol. */
  readonly code: Uint16Array
  readonly size: Uint8Array
}

/** Longest codes before they are brought to 16 bits. */
const LONGEST = 32

/** The optimal code of symbols that occur so often (T.81, K.2), none of it all ones. */
export function huffmanOf(counts: Int32Array): Huffman {
  const sizes = codeSizes(counts)
  const lengths = new Array<number>(LONGEST + 1).fill(0)
  for (const size of sizes) if (size > 0) lengths[size]!++
  for (let i = LONGEST; i > 16; i--) {
    while (lengths[i]! > 0) {
      let j = i - 2
      while (lengths[j] === 0) j--
      lengths[i]! -= 2
      lengths[i - 1]!++
      lengths[j + 1]! += 2
      lengths[j]!--
    }
  }
  // The symbol that was added so that no code is all ones.
  let longest = 16
  while (lengths[longest] === 0) longest--
  lengths[longest]!--
  const symbols: number[] = []
  for (let symbol = 0; symbol < 256; symbol++) if (sizes[symbol]! > 0) symbols.push(symbol)
  symbols.sort((a, b) => sizes[a]! - sizes[b]! || a - b)
  const [code, size] = [new Uint16Array(256), new Uint8Array(256)]
  for (let length = 1, next = 0, at = 0; length <= 16; length++, next <<= 1) {
    for (let i = 0; i < lengths[length]!; i++) {
      code[symbols[at]!] = next++
      size[symbols[at++]!] = length
    }
  }
  return { lengths: lengths.slice(1, 17), symbols, code, size }
}

/** The length of the code of each symbol and of a 257th; of equal counts the higher symbol is merged first (T.81, figure K.1). */
function codeSizes(counts: Int32Array): Uint8Array {
  const present: number[] = []
  for (let symbol = 0; symbol < 256; symbol++) if (counts[symbol]! > 0) present.push(symbol)
  present.push(256)
  const left = present.map((symbol) => (symbol === 256 ? 1 : counts[symbol]!))
  const groups = present.map((symbol) => [symbol])
  const sizes = new Uint8Array(257)
  for (let merges = present.length - 1; merges > 0; merges--) {
    let [least, second] = [-1, -1]
    for (let i = 0; i < left.length; i++) {
      const count = left[i]!
      if (count === 0) continue
      if (least < 0 || count <= left[least]!) [second, least] = [least, i]
      else if (second < 0 || count <= left[second]!) second = i
    }
    left[least]! += left[second]!
    left[second] = 0
    groups[least]!.push(...groups[second]!)
    for (const symbol of groups[least]!) sizes[symbol]!++
  }
  return sizes
}
