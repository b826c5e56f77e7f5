/** A process of its own that tries one device and says how it went, so that a crash of native code ends only itself. */
import { AugmentError } from '../core/errors.js'
import type { Device } from '../saliency/session.js'
import { missingCudaLibraries, tryDevice } from '../saliency/tryDevice.js'

/** What the process prints as JSON. */
export interface Trial {
  /** Null where the device works. */
  readonly problem: string | null
  readonly missing: readonly string[]
}

const device = process.argv[2] as Device

async function trial(): Promise<Trial> {
  try {
    await tryDevice(device)
    return { problem: null, missing: [] }
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    const problem = error instanceof AugmentError ? line.replace(`--device ${device}: `, '') : line
    return { problem, missing: device === 'cuda' ? missingCudaLibraries() : [] }
  }
}

process.stdout.write(JSON.stringify(await trial()))
