/** A process of its own that tries one device and says how it went, so that a crash of native code ends only itself. */
import type { Device } from '../core/devices.js'
import { AugmentError } from '../core/errors.js'
import { cudaLibraries } from '../saliency/cudaProvider.js'
import { missingLibraries, tryDevice } from '../saliency/tryDevice.js'

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
    return { problem, missing: device === 'cuda' ? missingLibraries(await cudaLibraries()) : [] }
  }
}

process.stdout.write(JSON.stringify(await trial()))
