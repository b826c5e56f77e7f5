/** Where there is a choice, the backward pass uses operators that a GPU computes, too. */
import { expect, test } from 'vitest'
import { type Model, readModel, writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { gradientModel } from '../../src/saliency/gradientModel.js'
import { saliencyModel } from '../../src/saliency/saliencyModel.js'
import { differentiated } from '../helpers/gradientCheck.js'
import { modelOf } from '../helpers/onnx.js'
import { RULE_CASES } from './ruleCases/index.js'

/**
 * Standard operators for which onnxruntime's CUDA provider has a kernel of opset 17 for float32 (or for bool, where they
 * take nothing else): docs/OperatorKernels.md, "Operators implemented by CUDAExecutionProvider", of version 1.24.
 */
const WITH_CUDA_KERNEL = new Set(
  `Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Compress Concat ConstantOfShape Conv
  ConvTranspose Cos CumSum DepthToSpace Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather
  GatherElements GatherND Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GridSample HardSigmoid HardSwish
  Identity InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max
  MaxPool Min Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum
  ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence
  Round ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Size Slice Softmax Softplus Softsign SpaceToDepth
  Split Sqrt Squeeze Sub Sum Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor`.split(/\s+/),
)

/** Operators without a kernel among those that the model has and `given` has not. */
const lacking = (model: Model, given: Model['graph']['nodes']) => {
  const own = new Set(given.flatMap((node) => node.output))
  const emitted = model.graph.nodes.filter((node) => !node.output.some((value) => own.has(value)))
  expect(emitted.length).toBeGreaterThan(0)
  return emitted.map((node) => node.opType).filter((op) => !WITH_CUDA_KERNEL.has(op))
}

test('what the gradient rules emit has kernels on CUDA', async () => {
  for (const [op, cases] of Object.entries(RULE_CASES)) {
    for (const item of cases) {
      const { model } = await differentiated(item, DataType.FLOAT)
      expect(lacking(model, item.nodes), `emitted for ${op}`).toEqual([])
    }
  }
})

test('what the losses and the way from pixels to saliency emit has kernels on CUDA', async () => {
  const nodes = [makeNode('Flatten', ['x'], ['f']), makeNode('MatMul', ['f', 'w'], ['y'])]
  const w = { dims: [48, 3], values: Array.from({ length: 144 }, (_, i) => Math.sin(i)) }
  const bytes = writeModel(modelOf({ nodes, inputs: { x: ['N', 3, 4, 4] }, outputs: ['y'], weights: { w } }))
  const check = (written: Uint8Array) => expect(lacking(readModel(written, 'built'), nodes)).toEqual([])
  for (const loss of ['ce', 'bce', 'logit'] as const) check(await gradientModel(bytes, 'linear', { loss }))
  const plain = {
    preprocessing: { mean: [0, 0, 0], std: [1, 1, 1], scale: 1, layout: 'nchw', colorOrder: 'bgr' },
    loss: 'ce',
    target: 'predicted',
    blur: { kernel: 3, sigma: 1 },
    channelNorm: 'l2',
  } as const
  for (const options of [plain, { ...plain, timesInput: true }, { ...plain, integrated: 4 }])
    check((await saliencyModel(bytes, 'linear', options)).bytes)
})
