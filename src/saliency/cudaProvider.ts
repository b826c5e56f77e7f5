/** The files of onnxruntime's CUDA provider, and what they need. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { neededLibraries } from './elf.js'

/** On Linux. */
export const PROVIDER_FILES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const

/** Where onnxruntime-node is installed. */
export function runtimeFolder(): string {
  return path.join(path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node')), '..')
}

/** Where onnxruntime-node looks for its provider libraries. */
export function providerFolder(): string {
  return path.join(runtimeFolder(), 'bin/napi-v6', process.platform, process.arch)
}

/** Whether the package has a CUDA provider, which an installation fetches or not; it may still not start. */
export function hasCudaProvider(): boolean {
  return existsSync(path.join(providerFolder(), PROVIDER_FILES[1].replace(/^lib|\.so$/g, platformAffix)))
}

/** `lib` and `.so` as Windows has them. */
function platformAffix(affix: string): string {
  if (process.platform !== 'win32') return affix
  return affix === '.so' ? '.dll' : ''
}

/** Those of the provider that onnxruntime-node's script fetches: it is built for CUDA 12. */
const FETCHED = [
  ...['libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11', 'libcurand.so.10'],
  ...['libcuda.so.1', 'libcudnn.so.9'],
]

/** cuDNN is loaded when the first convolution runs, and stands in no list. */
const UNLISTED = ['libcudnn.so.9']

/**
 * NVIDIA's libraries that the provider at hand needs, by their names on Linux, as its own file lists them: CUDA 12 or 13. Where there
 * is none, or a damaged one, those of the provider that the install script would fetch.
 */
export async function cudaLibraries(): Promise<string[]> {
  const file = path.join(providerFolder(), PROVIDER_FILES[1])
  const needed = existsSync(file) ? await neededLibraries(file) : null
  if (needed === null) return FETCHED
  return [...new Set([...needed.filter((name) => /^libcu[a-zA-Z]*\.so/.test(name)), ...UNLISTED])]
}

/** `12` of `libcudart.so.12`; null where no library says it. */
export function cudaVersion(libraries: readonly string[]): string | null {
  return /libcudart\.so\.(\d+)/.exec(libraries.join(' '))?.[1] ?? null
}
