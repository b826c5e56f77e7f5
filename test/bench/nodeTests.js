/**
 * Gradients of the ONNX standard's own node tests against central differences, by every floating-point input:
 *
 *     npm run build && node test/bench/nodeTests.js <site-packages>/onnx/backend/test/data/node [part of a name]
 *
 * Tells what is wrong, not finite or refused, and in how many tests every gradient is right. A test that onnxruntime itself
 * cannot run, or whose outputs are no floating-point numbers, counts for nothing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { TensorProtoSchema } from 'onnx-buf'
import { backward } from '../../dist/autodiff/backward.js'
import { GraphBuilder } from '../../dist/autodiff/builder.js'
import { expandPlain } from '../../dist/autodiff/expand.js'
import { readModel, writeModel } from '../../dist/onnx/model.js'
import { revise } from '../../dist/onnx/revise.js'
import { standardize } from '../../dist/onnx/standardize.js'
import { DataType, isFloat } from '../../dist/onnx/tensor.js'
import { inferDtypes, makeValueInfo } from '../../dist/onnx/valueInfo.js'
import { expanded } from '../../dist/saliency/prepare.js'
import { createSession } from '../../dist/saliency/session.js'

const TOLERANCE = 1e-2

function tensorsOf(folder, kind) {
  const set = path.join(folder, 'test_data_set_0')
  const files = readdirSync(set).filter((name) => name.startsWith(kind))
  return files.map((_, i) => fromBinary(TensorProtoSchema, readFileSync(path.join(set, `${kind}_${i}.pb`))))
}

function floats(tensor) {
  const { rawData: raw, floatData, doubleData, dataType } = tensor
  if (raw.length === 0) return Float32Array.from(dataType === DataType.DOUBLE ? doubleData : floatData)
  const copy = Uint8Array.from(raw).buffer
  return dataType === DataType.DOUBLE ? Float32Array.from(new Float64Array(copy)) : new Float32Array(copy)
}

const run = (bytes, feeds) =>
  createSession(bytes, { device: 'cpu', threads: 1, optimize: 'basic' }).then(async (session) => {
    try {
      return await session.run(feeds)
    } finally {
      await session.release()
    }
  })

/** The model with one input left, the others bound to the test's own data. */
function bound(model, tensors, wrt) {
  const initializers = new Map(model.graph.initializers)
  const inputs = []
  for (const [i, info] of model.graph.inputs.entries()) {
    if (i === wrt) inputs.push(makeValueInfo(info.name, DataType.FLOAT, tensors[i].dims.map(Number)))
    else initializers.set(info.name, revise(tensors[i], { name: info.name }))
  }
  return { ...model, graph: { ...model.graph, initializers, inputs } }
}

async function differentiated(model, wrt) {
  const { model: simple, types } = await expanded(expandPlain(standardize(model)))
  const g = new GraphBuilder(simple.opset, types)
  g.include(simple.graph)
  const outputs = simple.graph.outputs.filter(({ name }) => isFloat(types.get(name).dtype))
  const seeds = new Map(
    outputs.map(({ name }) => [name, g.cast(g.declare(`c:${name}`, DataType.FLOAT), types.get(name).dtype)]),
  )
  g.emit('Identity', [backward(g, simple.graph, seeds, wrt, model.name)], {}, 'gradient')
  const ports = outputs.map(({ name }) => makeValueInfo(name, types.get(name).dtype, g.sizes(name)))
  const cotangents = ports.map(({ name }) => makeValueInfo(`c:${name}`, DataType.FLOAT, g.sizes(name)))
  const gradient = makeValueInfo('gradient', DataType.FLOAT, g.sizes(wrt))
  const graph = g.finish([...simple.graph.inputs, ...cotangents], [...ports, gradient])
  return { bytes: writeModel({ ...simple, graph }), sizes: new Map(ports.map(({ name }) => [name, g.sizes(name)])) }
}

const noise = (length, salt) => Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i + 78.233 * salt + salt))
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0)

/** The gradient by one input is right: undefined; else what is wrong. */
async function problemOf(model, tensors, wrt) {
  const info = model.graph.inputs[wrt]
  const one = bound(model, tensors, wrt)
  const { bytes, sizes } = await differentiated(one, info.name)
  // Away from kinks, which the tests like to stand on.
  const given = floats(tensors[wrt])
  const x = given.map((v, i) => v + 1e-3 * (Math.sin(i) - 2))
  const dims = tensors[wrt].dims.map(Number)
  const length = (name) => sizes.get(name).reduce((a, b) => a * b, 1)
  const tensor = (data, shape) => ({ type: 'float32', dims: shape, data })
  const plain = await run(writeModel(one), { [info.name]: tensor(x, dims) })
  // A cotangent of 0 where an output is infinite or the runtime's stand-in for it, as masked scores are.
  const c = Object.fromEntries(
    [...sizes.keys()].map((name, i) => [
      name,
      noise(length(name), i + 3).map((v, at) => (Math.abs(plain[name].data[at]) < 1e30 ? v : 0)),
    ]),
  )
  const seeds = Object.fromEntries([...sizes].map(([name, shape]) => [`c:${name}`, tensor(c[name], shape)]))
  const at = async (values) => run(bytes, { [info.name]: tensor(values, dims), ...seeds })
  const { gradient, ...outputs } = await at(x)
  for (const name of sizes.keys()) {
    const far = outputs[name].data.some((v, i) => Math.abs(v - plain[name].data[i]) > 1e-3 * (1 + Math.abs(v)))
    if (far) return `changes ${name}`
  }
  if (!gradient.data.every(Number.isFinite)) return 'is not finite'
  const u = noise(x.length, 1)
  let least = Number.POSITIVE_INFINITY
  for (const h of [1 / 64, 1 / 512]) {
    const value = async (by) => {
      const found = await at(x.map((v, i) => v + by * u[i]))
      return [...sizes.keys()].reduce(
        (sum, name) =>
          sum +
          dot(
            found[name].data.map((v) => (Math.abs(v) < 1e30 ? v : 0)),
            c[name],
          ),
        0,
      )
    }
    const difference = ((await value(h)) - (await value(-h))) / (2 * h)
    const scale = Math.max(
      gradient.data.reduce((sum, v, i) => sum + Math.abs(v * u[i]), 0),
      Math.abs(difference),
      1e-2,
    )
    least = Math.min(least, Math.abs(dot(gradient.data, u) - difference) / scale)
  }
  return least < TOLERANCE ? undefined : `is ${least.toPrecision(2)} off`
}

async function tried(root, name) {
  const bytes = readFileSync(path.join(root, name, 'model.onnx'))
  const session = await createSession(bytes, { device: 'cpu', threads: 1, optimize: 'basic' }).catch(() => undefined)
  if (!session) return []
  await session.release()
  const model = readModel(bytes, name)
  const tensors = tensorsOf(path.join(root, name), 'input')
  if (tensors.length !== model.graph.inputs.length) return []
  const dtypes = inferDtypes(model.graph)
  if (!model.graph.outputs.some((v) => isFloat(dtypes.get(v.name)))) return []
  const results = []
  for (const [i, info] of model.graph.inputs.entries()) {
    if (tensors[i].dataType !== DataType.FLOAT || tensors[i].dims.includes(0n)) continue
    const problem = await problemOf(model, tensors, i).catch((error) => `: ${error.message.split('\n')[0]}`)
    results.push(problem && `${name} by ${info.name} ${problem}`)
  }
  return results
}

const [root, part = ''] = process.argv.slice(2)
const counts = { right: 0, other: 0 }
for (const name of readdirSync(root).filter((n) => n.includes(part) && existsSync(path.join(root, n, 'model.onnx')))) {
  const results = await tried(root, name).catch((error) => [`${name}: ${error.message.split('\n')[0]}`])
  if (results.length === 0) continue
  const problems = results.filter(Boolean)
  counts[problems.length > 0 ? 'other' : 'right']++
  for (const problem of problems) process.stdout.write(`${problem}\n`)
}
process.stdout.write(`${counts.right} tests right, ${counts.other} not\n`)
