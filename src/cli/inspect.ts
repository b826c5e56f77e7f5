import path from 'node:path'
import type { Model } from '../onnx/model.js'
import type { Invocation } from './invocation.js'

/** What `inspect` reports, and prints with --json. */
interface Inspection {
  readonly file: string
  readonly opset: number
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Most frequent first. */
  readonly operators: readonly { readonly operator: string; readonly count: number; readonly hasRule: boolean }[]
  /** Nodes without a rule that lie between the first input and an output, in graph order. */
  readonly blocking: readonly string[]
}

interface Port {
  readonly name: string
  readonly type: string
  /** Sizes, null where dynamic; null if the model does not say. */
  readonly dims: readonly (number | null)[] | null
}

/** `sage-augment inspect <model.onnx>`: inputs, outputs, operators, and what stands in the way of a gradient. */
export async function inspectCommand({ words: [file], report }: Invocation<'inspect'>): Promise<void> {
  const { readModelFile } = await import('../classifiers/modelFile.js')
  const { readModel } = await import('../onnx/model.js')
  const inspection = await inspect(readModel(await readModelFile(file!), path.basename(file!)))
  report.result(inspection, formatted(inspection))
}

async function inspect(model: Model): Promise<Inspection> {
  const { standardize } = await import('../onnx/standardize.js')
  const { blockers, hasRule } = await import('../autodiff/backward.js')
  const { describe, operatorOf } = await import('../onnx/node.js')
  const { DataType, isFloat } = await import('../onnx/tensor.js')
  const { declaredType, inferDtypes } = await import('../onnx/valueInfo.js')
  const { graph } = standardize(model)
  const counts = new Map<string, { count: number; hasRule: boolean }>()
  for (const node of graph.nodes) {
    const known = counts.get(operatorOf(node))
    counts.set(operatorOf(node), { count: (known?.count ?? 0) + 1, hasRule: hasRule(node) })
  }
  const dtypes = inferDtypes(graph)
  const dtypeOf = (value: string) => dtypes.get(value) ?? DataType.UNDEFINED
  const port = (info: Model['graph']['inputs'][number]): Port => ({
    name: info.name,
    type: (DataType[dtypeOf(info.name)] ?? `type ${dtypeOf(info.name)}`).toLowerCase(),
    dims: declaredType(info)?.dims ?? null,
  })
  const [input] = graph.inputs
  const outputs = graph.outputs.map((v) => v.name)
  return {
    file: model.name,
    opset: model.opset,
    inputs: model.graph.inputs.map(port),
    outputs: model.graph.outputs.map(port),
    operators: [...counts].map(([operator, entry]) => ({ operator, ...entry })).sort((a, b) => b.count - a.count),
    blocking: input
      ? blockers(graph, (value) => isFloat(dtypeOf(value)), outputs, input.name).map((node) => describe(node))
      : [],
  }
}

function formatted({ file, opset, inputs, outputs, operators, blocking }: Inspection): string {
  const port = ({ name, type, dims }: Port) =>
    `${name} ${type} ${dims ? `[${dims.map((d) => d ?? '?').join(', ')}]` : 'of any shape'}`
  const width = Math.max(...operators.map(({ operator }) => operator.length))
  const lines = [
    `${file}, opset ${opset}`,
    ...inputs.map((p) => `input   ${port(p)}`),
    ...outputs.map((p) => `output  ${port(p)}`),
    ...operators.map(
      ({ operator, count, hasRule }) =>
        `${String(count).padStart(6)}  ${operator.padEnd(width)}  ${hasRule ? 'rule' : 'no rule'}`,
    ),
    blocking.length === 0 ? 'can be differentiated' : `blocked first by ${blocking[0]}, ${blocking.length} such nodes`,
  ]
  return lines.join('\n')
}
