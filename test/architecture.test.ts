import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { METHOD_NAMES } from '../src/mix/names.js'

const SRC = path.resolve(import.meta.dirname, '../src')

/** Every folder of src and the folders it may import from; arrows only go up this table. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  onnx: ['core', 'onnx/quantised'],
  'onnx/quantised': ['core', 'onnx'],
  autodiff: ['core', 'onnx', 'autodiff/rules', 'autodiff/expansions'],
  'autodiff/expansions': ['core', 'onnx', 'autodiff'],
  'autodiff/rules': ['core', 'onnx', 'autodiff'],
  rearrange: ['core'],
  fit: ['core'],
  mix: ['core', 'rearrange', 'mix/solvers'],
  'mix/solvers': [],
  options: ['core', 'mix'],
  codec: ['core'],
  objects: ['core'],
  files: ['objects'],
  output: ['core', 'files', 'objects'],
  containers: ['core', 'files', 'objects'],
  dataset: ['core', 'codec', 'objects', 'files', 'output', 'containers'],
  classifiers: ['core', 'onnx', 'output'],
  saliency: ['core', 'onnx', 'autodiff', 'classifiers'],
  'train/blocked': ['core', 'onnx', 'autodiff'],
  'train/graph': ['core', 'onnx', 'autodiff', 'train/blocked'],
  threads: ['core'],
  train: [
    'core',
    'onnx',
    'autodiff',
    'mix',
    'codec',
    'dataset',
    'classifiers',
    'saliency',
    'threads',
    'train/blocked',
    'train/graph',
  ],
  trial: ['core', 'mix', 'train'],
  report: ['core', 'codec'],
  run: [
    'core',
    'objects',
    'files',
    'onnx',
    'options',
    'rearrange',
    'fit',
    'mix',
    'codec',
    'containers',
    'dataset',
    'classifiers',
    'saliency',
    'output',
    'threads',
    'train',
    'trial',
    'report',
  ],
  cli: ['core', 'options', 'mix', 'onnx', 'autodiff', 'autodiff/rules', 'classifiers', 'saliency', 'report', 'run'],
  '.': ['core', 'options', 'rearrange', 'autodiff', 'classifiers', 'saliency', 'train', 'run'],
}

/** Folders without node:*, async, clocks or chance. */
const PURE = [
  'core',
  'onnx',
  'autodiff',
  'autodiff/rules',
  'autodiff/expansions',
  'train/blocked',
  'train/graph',
  'rearrange',
  'fit',
  'trial',
  'mix',
  'mix/solvers',
  'options',
]

/** Packages that enter in one place. */
const DOORS: Readonly<Record<string, RegExp>> = {
  sharp: /^codec\//,
  '@cwasm/jpeg-turbo': /^codec\/smallPicture\.ts$/,
  '@cwasm/lodepng': /^codec\/smallPicture\.ts$/,
  '@cwasm/nsbmp': /^codec\/bmp\.ts$/,
  'onnxruntime-node': /^saliency\/session\.ts$/,
  '@aws-sdk/client-s3': /^objects\//,
  '@aws-sdk/lib-storage': /^objects\//,
  commander: /^cli\//,
  'cli-progress': /^cli\//,
  undici: /^classifiers\//,
  'hyparquet-writer': /^output\//,
  hyparquet: /^(containers|output)\/parquet/,
  'hyparquet-compressors': /^containers\/parquet/,
  yauzl: /^containers\/zip\.ts$/,
  'node:worker_threads': /^threads\//,
}

interface SourceFile {
  readonly file: string
  readonly folder: string
  readonly text: string
  readonly imports: readonly string[]
}

const files: readonly SourceFile[] = (readdirSync(SRC, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts') && !file.includes('assembly') && !file.endsWith('.generated.ts'))
  .map((name) => {
    const file = name.split(path.sep).join('/')
    const text = readFileSync(path.join(SRC, name), 'utf8')
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!)
    return { file, folder: path.posix.dirname(file), text, imports }
  })

const resolved = (from: SourceFile, specifier: string) =>
  path.posix.normalize(`${from.folder}/${specifier}`).replace(/\.js$/, '.ts')

test('every folder has a row, and every row a folder', () => {
  expect([...new Set(files.map(({ folder }) => folder))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
})

test('imports follow the table', () => {
  const wrong = files.flatMap((from) =>
    from.imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => path.posix.dirname(resolved(from, specifier)))
      .filter(
        (folder) => folder !== from.folder && !folder.startsWith('..') && !MAY_IMPORT[from.folder]?.includes(folder),
      )
      .map((folder) => `${from.file} imports from ${folder}`),
  )
  expect(wrong).toEqual([])
})

test('no import goes in a circle', () => {
  const graph = new Map(
    files.map((from) => [from.file, from.imports.filter((s) => s.startsWith('.')).map((s) => resolved(from, s))]),
  )
  const done = new Set<string>()
  function visit(file: string, trail: readonly string[]): void {
    if (trail.includes(file)) throw new Error(`circle: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`)
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
})

test('methods do not import methods, rules do not import rules', () => {
  const methods: readonly string[] = METHOD_NAMES
  const wrong = files.flatMap((from) => {
    const name = path.posix.basename(from.file, '.ts')
    const targets = from.imports
      .filter((specifier) => specifier.startsWith('./'))
      .map((specifier) => path.posix.basename(specifier, '.js'))
    const isPeer = (target: string) =>
      from.folder === 'autodiff/rules' || (from.folder === 'mix' && methods.includes(target))
    const isTable = name === 'index' || (from.folder === 'mix' && !methods.includes(name))
    return isTable ? [] : targets.filter(isPeer).map((target) => `${from.file} imports ${target}`)
  })
  expect(wrong).toEqual([])
})

test('the core is pure', () => {
  const impure = /\basync\b|\bawait\b|'node:|\bDate\b|Math\.random|\bconsole\b|\bprocess\b|\bperformance\b/
  const code = (text: string) =>
    text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|'[^']*'(?=[^'\n]*$)/gm, (found) => (found.startsWith("'node:") ? found : ''))
  const wrong = files
    .filter(({ folder, text }) => PURE.includes(folder) && impure.test(code(text)))
    .map(({ file }) => file)
  expect(wrong).toEqual([])
})

test('each outside package enters through its door', () => {
  const wrong = files.flatMap(({ file, imports }) =>
    imports
      .filter((name) => DOORS[name] !== undefined && !DOORS[name].test(file))
      .map((name) => `${file} imports ${name}`),
  )
  expect(wrong).toEqual([])
})
