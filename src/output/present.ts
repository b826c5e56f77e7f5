import { createReadStream, existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { AugmentError } from '../core/errors.js'

/** Throws if a picture that the rows of the run in `folder` name is not there any more; without rows it does nothing. */
export async function refuseMissingPictures(folder: string): Promise<void> {
  const provenance = path.join(folder, 'provenance.jsonl')
  if (!existsSync(provenance)) return
  const missing: string[] = []
  for await (const line of createInterface({ input: createReadStream(provenance) })) {
    const { file_name: file } = JSON.parse(line) as { file_name: string }
    if (!existsSync(path.join(folder, file))) missing.push(file)
  }
  if (missing.length === 0) return
  const others = missing.length > 1 ? `, and ${missing.length - 1} more` : ''
  throw new AugmentError(
    'conflict',
    `${path.join(folder, missing[0]!)}: not there${others}, expected the picture of its row`,
    {
      hint: 'put it back, or start over with --overwrite; sage-augment verify lists all that is wrong',
    },
  )
}
