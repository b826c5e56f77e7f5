import type { RunRecord } from '../output/record.js'
import { type Repaired, repairRun } from '../output/repair.js'
import type { ProvenanceRow } from '../output/rows.js'
import { pictureCheck } from './check.js'
import { requirePaths } from './paths.js'

/**
 * Takes the run in a folder back to what is whole, so that the command that made it makes the rest: rows whose picture is
 * missing or damaged, and whatever the tables lack. Throws a usage error where there is no folder, a conflict error where
 * there is no run, or one that is going on.
 */
export async function repair(folder: string, notice: (text: string) => void): Promise<Repaired> {
  await requirePaths('folder', [folder], 'the folder of a run')
  let pictures: ReturnType<typeof pictureCheck> | undefined
  const intact = async (row: ProvenanceRow, { options }: RunRecord) => {
    pictures ??= pictureCheck(folder, options)
    return (await pictures.check(row)).length === 0
  }
  try {
    return await repairRun(folder, intact, notice)
  } finally {
    await pictures?.close()
  }
}
