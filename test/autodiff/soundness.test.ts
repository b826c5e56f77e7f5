/** What any runtime asks of a differentiated model: that it is valid, and means the same however it is rewritten. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readModel, writeModel } from '../../src/onnx/model.js'
import { DataType } from '../../src/onnx/tensor.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { temporaryFolder } from '../helpers/folder.js'
import { differentiated } from '../helpers/gradientCheck.js'
import { needing } from '../helpers/needing.js'
import { float32, runModel } from '../helpers/onnx.js'
import { pythonWith } from '../helpers/python.js'
import { RULE_CASES } from './ruleCases/index.js'

const BUNDLED = { cifar10: [2, 3, 32, 32], 'fashion-mnist': [2, 1, 28, 28] }
const bundled = (name: string) => readFileSync(new URL(`../../models/${name}.onnx`, import.meta.url))

/** The newest opset that Debian's python3-onnx knows. */
const CHECKED_OPSET = 17

const PYTHON = pythonWith('onnx.checker')

/** Prints how many models are in a folder and what is wrong with which. */
const CHECK = `
import glob, os, sys, onnx
files = sorted(glob.glob(sys.argv[1] + '/*.onnx'))
print(len(files))
for file in files:
    try:
        onnx.checker.check_model(onnx.load(file), full_check=True)
    except Exception as problem:
        print(os.path.basename(file), problem)
`

needing('Python with onnx', PYTHON !== undefined)(
  'onnx.checker accepts the gradient of every rule and of the bundled models',
  async () => {
    const files: Record<string, Uint8Array> = {}
    for (const name of Object.keys(BUNDLED)) files[`${name}.onnx`] = await gradientModel(bundled(name), name)
    for (const [op, cases] of Object.entries(RULE_CASES)) {
      for (const [i, item] of cases.entries()) {
        if (item.opset > CHECKED_OPSET) continue
        const { model } = await differentiated(item, DataType.FLOAT)
        files[`${op}-${i}.onnx`] = writeModel(model)
      }
    }
    const told = execFileSync(PYTHON!, ['-c', CHECK, temporaryFolder(files)], { encoding: 'utf8' })
    expect(told).toBe(`${Object.keys(files).length}\n`)
  },
)

test.each(Object.entries(BUNDLED))(
  'the gradient of %s is the same at every level of optimisation',
  async (name, dims) => {
    const model = await gradientModel(bundled(name), name)
    const size = dims.reduce((a, b) => a * b)
    const target = Array.from({ length: 20 }, (_, i) => (i === 3 || i === 17 ? 1 : 0))
    const x = float32(
      dims,
      Array.from({ length: size }, (_, i) => Math.sin(i * i)),
    )
    const feeds = { [readModel(model, name).graph.inputs[0]!.name]: x, target: float32([2, 10], target) }
    const results: Float32Array[] = []
    for (const optimize of ['disabled', 'basic', 'extended', 'all'] as const)
      results.push((await runModel(model, feeds, { optimize })).gradient!.data as Float32Array)
    const [plain] = results
    const norm = Math.hypot(...plain!)
    for (const result of results) {
      const error = Math.hypot(...result.map((value, i) => value - plain![i]!))
      expect(error / norm).toBeLessThan(1e-4)
    }
  },
)
