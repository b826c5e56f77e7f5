// Compiles this folder to WebAssembly and writes it, as base64, into a TypeScript module: the core reads no files.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const folder = fileURLToPath(new URL('../', import.meta.url))
const binary = `${folder}kernel.wasm`
const options = '-O3 --noAssert --runtime stub --enable simd --use abort='.split(' ')
const { error, stderr } = await asc.main(['assembly/kernel.ts', '--baseDir', folder, '-o', binary, ...options])
if (error) {
  process.stderr.write(stderr.toString())
  throw error
}
const base64 = readFileSync(binary).toString('base64')
rmSync(binary)
writeFileSync(
  `${folder}kernel.generated.ts`,
  `/** The WebAssembly module of src/rearrange/assembly, written by its build.js. */
export function wasm(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob('${base64}'), (character) => character.charCodeAt(0))
}
`,
)
