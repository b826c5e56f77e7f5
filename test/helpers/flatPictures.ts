import { temporaryFolder } from './folder.js'

/** A folder of two classes with `count` small pictures of one size in bytes, each of its own grey. */
export function flatPictures(count: number): string {
  const picture = (grey: number) => Buffer.concat([Buffer.from('P5 16 16 255\n'), Buffer.alloc(256, grey)])
  const names = Array.from({ length: count }, (_, i) => `${i % 2 === 0 ? 'cat' : 'dog'}/${i}.pgm`)
  return temporaryFolder(Object.fromEntries(names.map((name, i) => [name, picture(10 + 20 * i)])))
}
