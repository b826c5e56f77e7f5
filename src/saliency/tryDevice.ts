/** Whether an execution provider really works on this machine. */
import { create } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { AugmentError } from '../core/errors.js'
import { writeModel } from '../onnx/model.js'
import { makeNode } from '../onnx/node.js'
import { DataType } from '../onnx/tensor.js'
import { makeValueInfo } from '../onnx/valueInfo.js'
import { createSession, type Device } from './session.js'

/** What the CUDA provider loads on Linux: the driver's library, those of CUDA 12, and cuDNN 9. */
const CUDA_LIBRARIES = [
  'libcuda.so.1',
  ...['libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11', 'libcurand.so.10'],
  'libcudnn.so.9',
]

/** Runs the smallest of models on the device. Throws AugmentError 'device', and what onnxruntime throws when broken. */
export async function tryDevice(device: Device): Promise<void> {
  const graph = {
    nodes: [makeNode('Relu', ['x'], ['y'])],
    initializers: new Map(),
    inputs: [makeValueInfo('x', DataType.FLOAT, [2])],
    outputs: [makeValueInfo('y', DataType.FLOAT, [2])],
  }
  const proto = create(ModelProtoSchema, { irVersion: 8n })
  const session = await createSession(writeModel({ name: 'tiny.onnx', opset: 17, proto, graph }), {
    device,
    threads: 1,
  })
  const { y } = await session.run({ x: { type: 'float32', dims: [2], data: Float32Array.of(-1, 2) } })
  await session.release()
  const found = Array.from(y!.data as Float32Array)
  if (found[0] !== 0 || found[1] !== 2) {
    throw new AugmentError('device', `--device ${device}: Relu(-1, 2) is ${found.join(', ')}, expected 0, 2`)
  }
}

/** The libraries of the CUDA provider that the system's loader does not find (Linux only). Loads those it finds. */
export function missingCudaLibraries(): string[] {
  if (process.platform !== 'linux') return []
  return CUDA_LIBRARIES.filter((library) => {
    try {
      process.dlopen({ exports: {} }, library)
      return false
    } catch (error) {
      // A library that was found is refused only for not being a Node addon.
      return String(error).includes('cannot open shared object file')
    }
  })
}
