import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rmdir, statfs } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { imageLibraries } from '../codec/codec.js'
import { DEVICES, type Device, devices } from '../core/devices.js'
import { nearestFolder } from '../output/place.js'
import { wasm } from '../rearrange/kernel.generated.js'
import { cudaLibraries, cudaVersion, PROVIDER_FILES, providerFolder, runtimeFolder } from '../saliency/cudaProvider.js'
import { coreLimits } from '../threads/cores.js'
import type { Trial } from './deviceWorker.js'
import { versions } from './versions.js'

/** One thing looked at. */
export interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly found: string
  /** What mends it. */
  readonly hint?: string
}

/** Time for a device to start, driver included. */
const PATIENCE_MS = 120_000

/** Looks at all that a run needs from the machine: programs, devices (each really tried), and the folder `out`. */
export async function examine(out: string): Promise<Finding[]> {
  return [
    { name: 'node', ok: true, found: `${versions.node} on ${process.platform} ${process.arch}` },
    await pictures(),
    { name: 'onnxruntime', ok: true, found: versions.onnxruntime },
    ...(await tried()),
    processors(),
    vectors(),
    memory(),
    threadPool(),
    await outputFolder(out),
  ]
}

async function pictures(): Promise<Finding> {
  try {
    const { vips } = await imageLibraries()
    return { name: 'sharp', ok: true, found: `${versions.sharp}, libvips ${vips}` }
  } catch (error) {
    const hint = 'npm install --include=optional sharp'
    return { name: 'sharp', ok: false, found: `${versions.sharp} does not load: ${firstLine(error)}`, hint }
  }
}

/** One after the other: each has the machine for itself. */
async function tried(): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const name of DEVICES) findings.push(await device(name))
  return findings
}

async function device(name: Device): Promise<Finding> {
  const { problem, missing } = await attempt(name)
  if (problem === null) return { name, ok: true, found: 'runs a model' }
  const found = missing.length === 0 ? problem : `${problem}; not found: ${missing.join(', ')}`
  const steps = name === 'cuda' ? await cudaSteps(problem, missing) : []
  return { name, ok: false, found, hint: steps.join('; ') || `needs ${devices[name].needs}` }
}

/** Lets a process of its own try the device; one that crashes or hangs is a problem like any other. */
function attempt(name: string): Promise<Trial> {
  const script = fileURLToPath(new URL('./deviceWorker.js', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, [script, name], { timeout: PATIENCE_MS }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as Trial)
      } catch {
        const how = error?.signal ? `was ended by ${error.signal}` : `ended with code ${error?.code ?? 0}`
        const said = stderr.split('\n').find((line) => line.includes('Error')) ?? ''
        resolve({ problem: `the process that tried it ${how}${said && `: ${said.trim()}`}`, missing: [] })
      }
    })
  })
}

/** First what fetches onnxruntime's own files, then what the system lacks. */
async function cudaSteps(problem: string, missing: readonly string[]): Promise<string[]> {
  const folder = providerFolder()
  const isUnusable = (file: string) => !existsSync(path.join(folder, file)) || problem.startsWith(`${file} is damaged`)
  const unusable = process.platform === 'linux' ? PROVIDER_FILES.filter(isUnusable) : []
  const cuda = cudaVersion(await cudaLibraries())
  const steps: string[] = []
  if (unusable.length > 0) {
    const script = path.relative('.', path.join(runtimeFolder(), 'script/install.js'))
    steps.push(
      `node ${script} --onnxruntime-node-install=cuda12 fetches ${unusable.join(' and ')} from NuGet; ` +
        `without NuGet take them from the wheel of PyPI: sage-augment doctor --cuda-from onnxruntime_gpu-${versions.onnxruntime}-....whl`,
    )
  }
  if (missing.includes('libcuda.so.1')) steps.push('install the NVIDIA driver')
  if (missing.some((library) => !/cuda\.|cudnn/.test(library))) steps.push(`install CUDA ${cuda ?? ''}`.trim())
  if (missing.includes('libcudnn.so.9')) steps.push(`install cuDNN 9${cuda === null ? '' : ` for CUDA ${cuda}`}`)
  if (missing.length > 0) steps.push('libraries outside the system folders need LD_LIBRARY_PATH')
  return steps
}

function processors(): Finding {
  const cpus = os.cpus()
  const { cores, from } = coreLimits().reduce((least, other) => (other.cores < least.cores ? other : least))
  const why = from === 'system' ? '' : ` (${from})`
  const found = `${cpus.length} cores (${cpus[0]?.model.trim() ?? 'unknown'}), ${cores} for this process${why}`
  return { name: 'processors', ok: true, found }
}

/** Vector instructions of the processor, as onnxruntime and sharp use them, and of WebAssembly, as the search for shifts. */
function vectors(): Finding {
  const kernel = WebAssembly.validate(wasm()) ? 'works' : 'does not work: shifts are searched without it'
  return { name: 'simd', ok: true, found: `${processorVectors()}; WebAssembly SIMD ${kernel}` }
}

function processorVectors(): string {
  if (process.arch === 'arm64') return 'NEON'
  const info = '/proc/cpuinfo'
  if (process.arch !== 'x64' || !existsSync(info)) return 'AVX2 and AVX-512 not known on this system'
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync(info, 'utf8'))?.[1]?.split(' '))
  return Object.entries({ AVX2: 'avx2', 'AVX-512': 'avx512f' })
    .map(([name, flag]) => (flags.has(flag) ? name : `no ${name}`))
    .join(', ')
}

function memory(): Finding {
  const limit = process.constrainedMemory()
  const limited = limit > 0 && limit < os.totalmem() ? `, limited to ${gigabytes(limit)}` : ''
  return { name: 'memory', ok: true, found: `${gigabytes(os.freemem())} free of ${gigabytes(os.totalmem())}${limited}` }
}

function threadPool(): Finding {
  const set = process.env.UV_THREADPOOL_SIZE
  return { name: 'thread pool', ok: true, found: set === undefined ? '4, as UV_THREADPOOL_SIZE is not set' : set }
}

/** Whether a folder can be made and written to at `out`, found out by doing so, and the room there. */
async function outputFolder(out: string): Promise<Finding> {
  const folder = nearestFolder(out)
  try {
    await rmdir(await mkdtemp(path.join(folder, '.sage-augment-')))
    const { bavail, bsize } = await statfs(folder)
    return { name: 'output', ok: true, found: `${out}: ${gigabytes(bavail * bsize)} free` }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const hint = 'choose a writable folder with --out'
    return { name: 'output', ok: false, found: `${out}: cannot be written to (${folder}: ${code})`, hint }
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}

function firstLine(error: unknown): string {
  return String(error).split('\n')[0]!
}
