import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'

interface Made {
  readonly sources: readonly { readonly file: string; readonly sha256: string }[]
}

/**
 * Those of `files`, below `root`, that are no longer what the finished rows of the run in `folder` were made from. Only the
 * ones that rows name are read.
 */
export async function alteredSources(folder: string, root: string, files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return []
  const digests = new Map<string, string | undefined>(files.map((file) => [file, undefined]))
  const altered = new Set<string>()
  for await (const line of createInterface({ input: createReadStream(path.join(folder, 'provenance.jsonl')) })) {
    for (const { file, sha256 } of (JSON.parse(line) as Made).sources) {
      if (!digests.has(file)) continue
      const digest = digests.get(file) ?? (await digestOf(path.join(root, file)))
      digests.set(file, digest)
      if (digest !== sha256) altered.add(file)
    }
  }
  return [...altered]
}

async function digestOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
