/** `sage-augment models [list|show <name>|pull <name...>]`. */
import { describeModel, type Listed, listModels, zooModels } from '../classifiers/listing.js'
import { pull } from '../classifiers/pull.js'
import { AugmentError } from '../core/errors.js'
import type { Invocation } from './invocation.js'

export async function listCommand({ words: [word], report }: Invocation<'models list'>): Promise<void> {
  if (word !== undefined) {
    throw new AugmentError('usage', `models ${word}: found no such command, expected list, show or pull`, {
      hint: `sage-augment models show ${word} describes a model`,
    })
  }
  const models = await listModels()
  report.result(models, models.map(formatted).join('\n'))
}

function formatted({ name, state, classes, width, height, bytes, opset, licence }: Listed): string {
  const size = `${(bytes / 1e6).toFixed(1)} MB`.padStart(8)
  return `${name.padEnd(19)} ${state.padEnd(10)} ${size}  ${String(classes).padStart(4)} classes  ${width} x ${height}  opset ${String(opset).padEnd(2)}  ${licence}`
}

export async function showCommand({ words: [name], report }: Invocation<'models show'>): Promise<void> {
  const model = await describeModel(name!)
  report.result(model, JSON.stringify(model, null, 2))
}

export async function pullCommand({ words, own: { mirror }, report }: Invocation<'models pull'>): Promise<void> {
  for (const model of zooModels(words)) {
    const file = await pull(model, {
      ...(mirror !== undefined && { mirror }),
      progress: (done, total) => report.event({ type: 'fetch', model: model.name, done, total }),
      notice: (message) => report.event({ type: 'notice', message }),
    })
    report.stop()
    report.done({ type: 'done', model: model.name, file }, `${model.name}: ${file}`)
  }
}
