import { stat } from 'node:fs/promises'
import { Command } from 'commander'
import type { ZooModel } from '../classifiers/registry.js'
import { AugmentError } from '../core/errors.js'

/** What `models` says of a classifier, and prints with --json. */
interface Listed {
  readonly name: string
  readonly state: 'bundled' | 'pulled' | 'not pulled'
  readonly classes: number
  readonly width: number | undefined
  readonly height: number | undefined
  readonly bytes: number
  readonly opset: number
  readonly licence: string
  readonly file: string
}

/** `sage-augment models [list|show <name>|pull <name...>]`. */
export function modelsCommand(): Command {
  const models = new Command('models')
    .description('list classifiers, and fetch those of the ONNX Model Zoo')
    .addHelpText('after', '\nExample:\n  sage-augment models pull resnet18')
  models
    .command('list', { isDefault: true })
    .description('those that --model knows by name')
    .option('--json', 'as JSON')
    .allowExcessArguments()
    .action(list)
  models.command('show').description('all that is known of one, as JSON').argument('<name>').action(show)
  models
    .command('pull')
    .description('fetch classifiers into your cache folder, checking their SHA-256')
    .argument('<name...>')
    .option('--mirror <url>', 'root of a copy of the zoo with the same paths')
    .option('--quiet', 'say nothing but errors')
    .addHelpText(
      'after',
      '\nHTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed.\nExample:\n  sage-augment models pull resnet18',
    )
    .action(pullAll)
  return models
}

async function list({ json }: { json?: boolean }, { args: [word] }: Command): Promise<void> {
  if (word !== undefined) {
    throw new AugmentError('usage', `models ${word}: found no such command, expected list, show or pull`, {
      hint: `sage-augment models show ${word} tells of a model`,
    })
  }
  const models = await listed()
  process.stdout.write(json ? `${JSON.stringify(models)}\n` : `${models.map(formatted).join('\n')}\n`)
}

function formatted({ name, state, classes, width, height, bytes, opset, licence }: Listed): string {
  const size = `${(bytes / 1e6).toFixed(1)} MB`.padStart(8)
  return `${name.padEnd(19)} ${state.padEnd(10)} ${size}  ${String(classes).padStart(4)} classes  ${width} x ${height}  opset ${String(opset).padEnd(2)}  ${licence}`
}

async function listed(): Promise<Listed[]> {
  const { bundledModels } = await import('../classifiers/resolveModel.js')
  const { zoo } = await import('../classifiers/registry.js')
  const { cachedFile } = await import('../classifiers/cache.js')
  const { readModel } = await import('../onnx/model.js')
  const { readModelFile } = await import('../classifiers/modelFile.js')
  const bundled = (await bundledModels()).map(async ({ name, file, descriptor }): Promise<Listed> => {
    const bytes = await readModelFile(file)
    const { width, height, licence = 'unknown', classes = [] } = descriptor
    const { opset } = readModel(bytes, name)
    return { name, state: 'bundled', classes: classes.length, width, height, bytes: bytes.length, opset, licence, file }
  })
  const others = zoo.map(async (model): Promise<Listed> => {
    const { name, bytes, opset, licence, input } = model
    const file = cachedFile(model)
    const state = await stat(file).then(
      () => 'pulled' as const,
      () => 'not pulled' as const,
    )
    return { name, state, classes: 1000, width: input.width, height: input.height, bytes, opset, licence, file }
  })
  return Promise.all([...bundled, ...others])
}

async function show(name: string): Promise<void> {
  const { zoo, ZOO_ROOT } = await import('../classifiers/registry.js')
  const { bundledModels } = await import('../classifiers/resolveModel.js')
  const models = await listed()
  const one = named(name, models)
  const entry = zoo.find((model) => model.name === name)
  const { classes: _, ...input } = (await bundledModels()).find((model) => model.name === name)?.descriptor ?? {}
  const details =
    entry === undefined
      ? { input }
      : { url: ZOO_ROOT + entry.path, sha256: entry.sha256, top1: entry.top1, input: entry.input, note: entry.note }
  process.stdout.write(`${JSON.stringify({ ...one, ...details }, null, 2)}\n`)
}

async function pullAll(names: string[], { mirror, quiet }: { mirror?: string; quiet?: boolean }): Promise<void> {
  const { zoo } = await import('../classifiers/registry.js')
  for (const model of names.map((name) => named(name, zoo))) await pullOne(model, mirror, quiet ?? false)
}

async function pullOne(model: ZooModel, mirror: string | undefined, quiet: boolean): Promise<void> {
  const { pull } = await import('../classifiers/pull.js')
  const megabytes = (bytes: number) => Math.round(bytes / 1e6)
  const { meter } = await import('./progress.js')
  const shown = quiet ? undefined : meter(' MB')
  const notice = (text: string) => {
    if (!quiet) process.stderr.write(`${text}\n`)
  }
  try {
    const file = await pull(model, {
      ...(mirror !== undefined && { mirror }),
      progress: (done, total) => shown?.update(megabytes(done), megabytes(total)),
      notice,
    })
    shown?.stop()
    notice(`${model.name}: ${file}`)
  } finally {
    shown?.stop()
  }
}

function named<T extends { readonly name: string }>(name: string, models: readonly T[]): T {
  const found = models.find((model) => model.name === name)
  if (found !== undefined) return found
  throw new AugmentError('usage', `models: no "${name}", expected ${models.map((model) => model.name).join(', ')}`)
}
