import { upTo } from '../onnx/ancestors.js'
import { type Model, writeModel } from '../onnx/model.js'
import { rawTensor, type TensorProto } from '../onnx/tensor.js'
import { inferDtypes, makeValueInfo } from '../onnx/valueInfo.js'
import { tryRun } from '../saliency/probe.js'
import { createSession } from '../saliency/session.js'
import { findConstants } from './graph/constants.js'

/**
 * The model with what it computes from constants alone (weights kept as int8 or float16, transposed, shared by Identity) as
 * constants, float32 ones of its own; and the names of those made from numbers, which are no weights.
 */
export async function foldConstants(model: Model): Promise<{ model: Model; computed: ReadonlySet<string> }> {
  const { graph } = model
  const { nodes, values, computed } = findConstants(graph)
  if (values.length === 0) return { model, computed }
  const dtypes = inferDtypes(graph)
  const outputs = values.map((name) => makeValueInfo(name, dtypes.get(name)!))
  const part = { ...graph, nodes: graph.nodes.filter((node) => nodes.has(node)), inputs: [], outputs }
  const session = await createSession(writeModel({ ...model, graph: part }), { device: 'cpu', threads: 1 })
  const found = await tryRun(session, model.name, {}).finally(() => session.release())
  const initializers = new Map<string, TensorProto>(graph.initializers)
  for (const name of values) {
    const { dims, data } = found[name]!
    initializers.set(name, rawTensor(name, dtypes.get(name)!, dims, data as Float32Array))
  }
  const results = graph.outputs.map((info) => info.name)
  const used = upTo({ nodes: graph.nodes, initializers }, results, new Set(values))
  return { model: { ...model, graph: { ...graph, ...used } }, computed }
}
