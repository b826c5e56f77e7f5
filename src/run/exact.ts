/** TF32 on CUDA: float32 products of which only 10 bits of the mantissa are used, unless a run is to be exact. */
import { AugmentError } from '../core/errors.js'
import { isMainThread } from '../threads/answer.js'

/** cuDNN's manual (cudnnMathType_t): TF32 "can be explicitly disabled by the environment variable", set to 0. */
const SWITCH = 'NVIDIA_TF32_OVERRIDE'

/** What the first session on CUDA was started with. */
let settled: boolean | undefined

/**
 * Decides whether sessions on CUDA may use TF32; to be called before each. NVIDIA's libraries read the environment when the
 * first one starts and keep what they found, and native code sees no environment but the main thread's. Throws a usage error
 * where it is too late for the choice, or out of reach of this thread.
 */
export function settleTf32(exact: boolean): void {
  if (settled !== undefined && settled !== exact) {
    const found = `found an earlier run ${settled ? 'with' : 'without'} it in this process`
    throw new AugmentError('usage', `--exact: ${found}, expected all CUDA runs of a process to agree`)
  }
  if (exact && process.env[SWITCH] !== '0') {
    if (!isMainThread) {
      throw new AugmentError('usage', '--exact: found a worker thread, expected the main thread of the process', {
        hint: `start the process with ${SWITCH}=0 in its environment`,
      })
    }
    process.env[SWITCH] = '0'
  }
  settled = exact
}
