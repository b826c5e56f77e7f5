import { type Manifest, type ManifestOptions, readManifest as read, type Source } from '../../src/dataset/manifest.js'
import { type PairOptions, readPairs as readList } from '../../src/dataset/pairs.js'

export type { ManifestOptions, PairOptions }

/** A manifest whose sources are an array, to be compared with one. */
type Told = Manifest & { readonly sources: Source[] }

export async function readManifest(place: string, options?: ManifestOptions): Promise<Told> {
  return told(await read(place, options))
}

export async function readPairs(file: string, options?: PairOptions) {
  const { manifest, ...list } = await readList(file, options)
  return { ...list, manifest: told(manifest) }
}

function told(manifest: Manifest): Told {
  return { ...manifest, sources: [...manifest.sources] }
}
