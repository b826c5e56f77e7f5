import { readFile } from 'node:fs/promises'

const FILE = new URL('../../models/imagenet.txt', import.meta.url)

/**
 * The 1000 classes of ILSVRC 2012 in the order of the logits. Each has its WordNet id first, then its synonyms, then all of
 * them in one as `synset.txt` has them: `n01440764`, `tench`, `Tinca tinca`, `tench, Tinca tinca`.
 */
export async function imagenetClasses(): Promise<string[][]> {
  const lines = (await readFile(FILE, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => {
    const [id, words] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]
    return [...new Set([id, ...words.split(', '), words])]
  })
}
