/**
 * The program, which tsc has written to dist/ as hundreds of modules, in few files: to load the modules of a run takes a third of
 * a second, to load these files half of that. Packages with binary parts, and large ones that are seldom needed, stay outside.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { defineConfig } from 'rolldown'

/** What the program begins with, and its threads, and the process of `doctor`; `train` has a module of dist/train for a thread. */
const ENTRIES = ['cli/main', 'run/inferenceWorker', 'run/mixWorker', 'run/trialWorker', 'run/deviceWorker']

const OUTSIDE = /^(sharp|onnxruntime-node|undici|hyparquet-compressors|@aws-sdk\/|@cwasm\/)/

/** The licence of a package, or what its modules say at their heads where it has none in a file. */
function licenceOf(folder, modules) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  const heads = modules.filter((module) => module.startsWith(folder + path.sep)).map((module) => headOf(module))
  const text = file ? readFileSync(path.join(folder, file), 'utf8') : [...new Set(heads)].join('\n')
  return `${name} ${version}: ${license}\n\n${text.trim()}\n`
}

const headOf = (module) => readFileSync(module, 'utf8').match(/^(\/\/.*\n)+/)?.[0] ?? ''

const licences = {
  name: 'licences',
  generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap(({ moduleIds = [] }) => moduleIds)
    const packages = modules.flatMap((id) => id.match(/^.*[\\/]node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+/)?.[0] ?? [])
    const texts = [...new Set(packages)].sort().map((folder) => licenceOf(folder, modules))
    const head = 'What the files beside this one have of other packages. The Apache License is in models/LICENSE-general.txt.\n'
    this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source: [head, ...texts].join('\n---\n\n') })
  },
}

export default defineConfig({
  input: Object.fromEntries(ENTRIES.map((name) => [path.basename(name), `dist/${name}.js`])),
  platform: 'node',
  external: OUTSIDE,
  plugins: [licences],
  output: {
    // As deep below the root as the modules, whose paths to models/ and package.json hold here too.
    dir: 'dist/program',
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
  },
})
