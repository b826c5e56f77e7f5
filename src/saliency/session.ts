/** The only door to onnxruntime-node, which is loaded when the first session is made. */
import { join } from 'node:path'
import type { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node'
import { type Device, devices } from '../core/devices.js'
import { AugmentError } from '../core/errors.js'
import { providerFolder } from './cudaProvider.js'

/** Plain data, row-major, in the typed array that fits `type` ('bool' in a Uint8Array, 'float16' as bits). */
export interface Tensor {
  readonly type: RuntimeTensor.Type
  readonly dims: readonly number[]
  readonly data: RuntimeTensor.DataType
}

export interface SessionOptions {
  readonly device: Device
  /** Threads of one run; all cores by default. */
  readonly threads?: number
  /** For so many microseconds threads that wait for work stay awake, so that the next node finds them ready; 0 by default. */
  readonly awake?: number
  /** How far onnxruntime rewrites the graph; 'all' by default. */
  readonly optimize?: 'disabled' | 'basic' | 'extended' | 'all'
}

export interface Session {
  /** The inferred sizes of each output; a string is a size that is not known before a run. */
  readonly outputSizes: ReadonlyMap<string, readonly (number | string)[]>
  /** Blocks the thread that calls it until the outputs are there. */
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>
  release(): Promise<void>
}

/** Which shared library keeps the CUDA provider from starting, according to the system's loader. */
function loaderProblem(): string {
  const folder = providerFolder()
  const [prefix, suffix] = process.platform === 'win32' ? ['', '.dll'] : ['lib', '.so']
  for (const name of ['onnxruntime_providers_shared', 'onnxruntime_providers_cuda']) {
    const file = `${prefix}${name}${suffix}`
    try {
      process.dlopen({ exports: {} }, join(folder, file))
    } catch (error) {
      const library = /([^\s/]+): cannot open shared object file/.exec(String(error))?.[1]
      if (library) return `${library} is missing`
      const damage = /file too short|invalid ELF header/.exec(String(error))?.[0]
      if (damage) return `${file} is damaged (${damage})`
    }
  }
  return 'a CUDA or cuDNN library is missing'
}

/** A model that onnxruntime does not take. Keras's exporter for TensorFlow leaves operators that ONNX does not have. */
function unloadable(cause: Error): AugmentError {
  const operator = /No Op registered for (\w+)/.exec(cause.message)?.[1]
  const message = `onnxruntime cannot load the model: ${firstLine(cause)}`
  if (operator === undefined) return new AugmentError('model', message, { cause })
  const hint = `ONNX has no operator ${operator}: the exporter left it as it was; from Keras, export with the backend torch or jax`
  return new AugmentError('model', message, { hint, cause })
}

function deviceProblem(device: Exclude<Device, 'cpu'>, cause: Error): AugmentError {
  const [line = ''] = cause.message.split('\n')
  const found = line.includes('load shared library') ? loaderProblem() : (/Failed to get .*/.exec(line)?.[0] ?? line)
  const hint = `needs ${devices[device].needs} (see sage-augment doctor)`
  return new AugmentError('device', `--device ${device}: ${found}`, { hint, cause })
}

/** What onnxruntime says first; names that it quotes from a file neither break the line nor move the cursor. */
export function firstLine({ message }: Error): string {
  return message.split('\n')[0]!.replace(/\p{Cc}/gu, '?')
}

/**
 * Threads that wait for work do not spin, or not for long: beside decoding and encoding they would take the cores away from it, and
 * with more threads than cores from each other (45 instead of 7 ms of CPU for a picture of 32 x 32 with 16 threads on 2 cores).
 */
function spinning(microseconds: number): Record<string, unknown> {
  const awake =
    microseconds > 0 ? { allow_spinning: '1', spin_duration_us: `${microseconds}` } : { allow_spinning: '0' }
  return { session: { intra_op: awake, inter_op: { allow_spinning: '0' } } }
}

/** A session for the model in `bytes`. Throws AugmentError 'device' if the device cannot start, 'model' otherwise. */
export async function createSession(bytes: Uint8Array, options: SessionOptions): Promise<Session> {
  const { env, InferenceSession, Tensor } = await import('onnxruntime-node')
  // The runtime would print its own version of an error that we report.
  env.logLevel = 'fatal'
  let session: InferenceSession
  try {
    session = await InferenceSession.create(bytes, {
      executionProviders: [options.device],
      graphOptimizationLevel: options.optimize ?? 'all',
      logSeverityLevel: 4,
      // From its second run on it would hold a block for all values of a run beside the memory of the first.
      enableMemPattern: false,
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
      extra: spinning(options.awake ?? 0),
    })
  } catch (cause) {
    const error = cause as Error
    if (options.device === 'cpu') throw unloadable(error)
    // What no device can load is the model's fault.
    await (await createSession(bytes, { ...options, device: 'cpu' })).release()
    throw deviceProblem(options.device, error)
  }
  return {
    outputSizes: new Map(session.outputMetadata.map((info) => [info.name, info.isTensor ? info.shape : []])),
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, t]) => [name, new Tensor(t.type, t.data, t.dims)])
      return session.run(Object.fromEntries(tensors))
    },
    release: () => session.release(),
  }
}
