/** Gradients of small graphs against central differences. */
import { expect } from 'vitest'
import { backward } from '../../src/autodiff/backward.js'
import { GraphBuilder } from '../../src/autodiff/builder.js'
import { expandPlain } from '../../src/autodiff/expand.js'
import { type Model, writeModel } from '../../src/onnx/model.js'
import { intAttribute, makeNode } from '../../src/onnx/node.js'
import { DataType, isFloat } from '../../src/onnx/tensor.js'
import { inferDtypes, makeValueInfo } from '../../src/onnx/valueInfo.js'
import { expanded } from '../../src/saliency/prepare.js'
import { createSession, type Session, type Tensor } from '../../src/saliency/session.js'
import type { RuleCase } from '../autodiff/ruleCases/ruleCase.js'
import { float32, modelOf, runModel } from './onnx.js'

/** Largest error of differences in float32 with a step of 1/128. */
const COARSE = 2e-3

type Arrays = Record<string, Float64Array>

/** Casts to float64 in a case become casts to the element type it is tried in. */
function retyped(nodes: RuleCase['nodes'], dtype: DataType): RuleCase['nodes'] {
  const isDouble = (node: RuleCase['nodes'][number]) =>
    node.opType === 'Cast' && intAttribute(node, 'to', 0) === DataType.DOUBLE
  return nodes.map((node) => (isDouble(node) ? makeNode('Cast', node.input, node.output, { to: dtype }) : node))
}

/** The case's graph with its floating-point outputs, their cotangents as inputs, and the gradient of every input. */
export async function differentiated(
  item: RuleCase,
  dtype: DataType,
): Promise<{ model: Model; outputs: Record<string, readonly number[]> }> {
  const nodes = retyped(item.nodes, dtype)
  const names = nodes.at(-1)!.output
  const dtypes = inferDtypes(modelOf({ ...item, nodes, outputs: names.slice(0, 1), dtype }).graph)
  const floats = names.filter((name) => isFloat(dtypes.get(name)!))
  const { model, types } = await expanded(expandPlain(modelOf({ ...item, nodes, outputs: floats, dtype })))
  const g = new GraphBuilder(item.opset, types)
  g.include(model.graph)
  const cotangents = new Map(floats.map((name) => [name, g.declare(`c:${name}`, dtype)]))
  for (const input of Object.keys(item.inputs)) {
    g.emit('Identity', [backward(g, model.graph, cotangents, input, 'case')], {}, `g:${input}`)
  }
  const outputs = Object.fromEntries(floats.map((name) => [name, g.sizes(name)]))
  const graph = g.finish(
    [...model.graph.inputs, ...floats.map((name) => makeValueInfo(`c:${name}`, dtype, g.sizes(name)))],
    [
      ...floats.map((name) => makeValueInfo(name, dtype, g.sizes(name))),
      ...Object.entries(item.inputs).map(([input, dims]) => makeValueInfo(`g:${input}`, dtype, dims)),
    ],
  )
  return { model: { ...model, graph }, outputs }
}

/** `count` different numbers evenly spread over a range, in a scrambled order. */
function spread(count: number, [low, high]: readonly [number, number], salt: number): Float64Array {
  const order = Array.from({ length: count }, (_, i) => i).sort(
    (a, b) => Math.sin(12.9898 * a + salt) - Math.sin(12.9898 * b + salt),
  )
  return Float64Array.from(order, (rank) => low + ((rank + 0.5) / count) * (high - low))
}

const volume = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1)
/** Arrays for the given sizes by name. */
function filled(
  sizes: Record<string, readonly number[]>,
  fill: (size: number, position: number) => Float64Array,
): Arrays {
  return Object.fromEntries(Object.entries(sizes).map(([k, dims], i) => [k, fill(volume(dims), i)]))
}

function mapped(arrays: Arrays, map: (value: number, name: string, i: number) => number): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([k, v]) => [k, v.map((value, i) => map(value, k, i))]))
}

const dot = (a: Arrays, b: Arrays) =>
  Object.keys(b).reduce((sum, key) => b[key]!.reduce((s, value, i) => s + value * a[key]![i]!, sum), 0)

async function evaluate(
  session: Session,
  item: RuleCase,
  outputs: Record<string, readonly number[]>,
  inputs: Arrays,
  cotangents: Arrays,
  dtype: DataType,
) {
  const tensor = (dims: readonly number[], data: Float64Array): Tensor =>
    dtype === DataType.DOUBLE
      ? { type: 'float64', dims, data }
      : { type: 'float32', dims, data: Float32Array.from(data) }
  const feeds = Object.fromEntries([
    ...Object.entries(item.inputs).map(([name, dims]) => [name, tensor(dims, inputs[name]!)]),
    ...Object.entries(outputs).map(([name, dims]) => [`c:${name}`, tensor(dims, cotangents[name]!)]),
  ])
  const found = await session.run(feeds)
  return Object.fromEntries(
    Object.entries(found).map(([name, t]) => [name, Float64Array.from(t.data as Float64Array)]),
  ) as Arrays
}

/**
 * Along random directions u with random cotangents c, compares the sum of g u with the central difference of the sum of
 * c y; returns the largest difference relative to the sum of |g u|.
 */
async function worstError(item: RuleCase, dtype: DataType): Promise<number> {
  const { model, outputs } = await differentiated(item, dtype)
  const session = await createSession(writeModel(model), { device: 'cpu', threads: 1 })
  const h = dtype === DataType.DOUBLE && !item.isCoarse ? 1e-6 : 1 / 128
  let worst = 0
  const at = async (x: Arrays, c: Arrays) => evaluate(session, item, outputs, x, c, dtype)
  for (const salt of [1, 2]) {
    const x = filled(item.inputs, (size, i) => spread(size, item.range, salt + i).map((v) => v + i / 97))
    const c = filled(outputs, (size, i) => spread(size, [-1, 1.2], 7 * salt + i))
    const here = await at(x, c)
    const g = Object.fromEntries(Object.keys(x).map((k) => [k, here[`g:${k}`]!]))
    for (const k of Object.keys(x)) expect(g[k]!.length).toBe(x[k]!.length)
    // One direction at random, not symmetric so that constants do not cancel, and one an input in which nothing cancels.
    const random = filled(item.inputs, (size, i) => spread(size, [-1, 1.3], 5 * salt + i))
    const aligned = Object.keys(x).map((along) =>
      mapped(g, (value, k, i) => (k === along ? Math.sign(value) * Math.abs(random[k]![i]!) : 0)),
    )
    for (const u of [random, ...aligned]) {
      const moved = (by: number) => mapped(x, (value, k, i) => value + by * u[k]![i]!)
      const difference = (dot(await at(moved(h), c), c) - dot(await at(moved(-h), c), c)) / (2 * h)
      const scale = dot(mapped(g, Math.abs), mapped(u, Math.abs))
      const error = Math.abs(dot(g, u) - difference)
      worst = Math.max(worst, error === 0 ? 0 : error / Math.max(scale, 1e-3))
    }
  }
  await session.release()
  return worst
}

/** Fails unless the gradient agrees with differences: in float64, or in float32 where onnxruntime has no float64 kernel. */
export async function expectGradient(item: RuleCase, label: string): Promise<void> {
  let bound = item.isCoarse ? COARSE : 1e-7
  const error = await worstError(item, DataType.DOUBLE).catch((problem) => {
    const isLacking =
      /Could not find an implementation|Type '.*' of input parameter .* is invalid|does not support double/
    if (!(problem instanceof Error && isLacking.test(problem.message))) throw problem
    bound = COARSE
    return worstError(item, DataType.FLOAT)
  })
  expect(error, label).toBeLessThan(bound)
}

/** Fails unless the case's graph, with every expansion written out, computes in float32 what it computed before. */
export async function expectSameOutputs(item: RuleCase, label: string): Promise<void> {
  const dtypes = inferDtypes(modelOf({ ...item, outputs: item.nodes.at(-1)!.output.slice(0, 1) }).graph)
  const outputs = item.nodes.at(-1)!.output.filter((name) => isFloat(dtypes.get(name)!))
  const model = modelOf({ ...item, outputs })
  const { model: written } = await expanded(expandPlain(model))
  const feeds = Object.fromEntries(
    Object.entries(item.inputs).map(([name, dims], i) => [
      name,
      float32(dims, spread(volume(dims), item.range, i)) as Tensor,
    ]),
  )
  const [before, after] = [await runModel(model, feeds), await runModel(written, feeds)]
  for (const name of outputs) {
    expect(after[name]!.dims, label).toEqual(before[name]!.dims)
    const [expected, found] = [before, after].map((results) => Array.from(results[name]!.data as Float32Array))
    for (const [i, value] of expected!.entries())
      expect(Math.abs(found![i]! - value), `${label}, ${name}[${i}]`).toBeLessThan(1e-5 * (1 + Math.abs(value)))
  }
}
