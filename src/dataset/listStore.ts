/** The objects below a prefix as a folder would hold them. */
import { AugmentError } from '../core/errors.js'
import { objectUrl, parseObject } from '../objects/place.js'
import { listObjects } from '../objects/reading.js'
import { FileNames } from './fileNames.js'
import { foldersOf, isHidden, type Listing } from './listing.js'

/** Lists everything below `root`. Throws AugmentError `usage` where there is nothing. */
export async function listStore(root: string): Promise<Listing> {
  const names: string[] = []
  // A key that ends in a slash stands for an empty folder, as consoles make it; one that climbs is no file anywhere.
  for await (const { name } of listObjects(root)) if (!/(^|\/)(\.{0,2})(\/|$)/.test(name)) names.push(name)
  if (names.length === 0) {
    const place = objectUrl(parseObject(root))
    throw new AugmentError('usage', `${place}: found no objects, expected pictures below it`, {
      hint: 'check the spelling, which is case-sensitive',
    })
  }
  const runs = new Set(names.flatMap((name) => /^(.+?)\/\.sage\//.exec(name)?.[1] ?? []))
  const isOurs = (name: string) => [...runs].some((run) => name.startsWith(`${run}/`))
  const files = names.filter((name) => !name.split('/').some(isHidden) && !isOurs(name)).sort()
  return {
    files: FileNames.of(files),
    folders: foldersOf(files),
    links: new Set(),
    runs,
    twice: new Map(),
    stamps: null,
  }
}
