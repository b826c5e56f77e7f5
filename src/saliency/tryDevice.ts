/** Whether an execution provider really works on this machine. */
import { create } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import type { Device } from '../core/devices.js'
import { AugmentError } from '../core/errors.js'
import { writeModel } from '../onnx/model.js'
import { makeNode } from '../onnx/node.js'
import { DataType } from '../onnx/tensor.js'
import { makeValueInfo } from '../onnx/valueInfo.js'
import { createSession } from './session.js'

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

/** Those of the shared libraries that the system's loader does not find (Linux only). Loads those it finds. */
export function missingLibraries(libraries: readonly string[]): string[] {
  if (process.platform !== 'linux') return []
  return libraries.filter((library) => {
    try {
      process.dlopen({ exports: {} }, library)
      return false
    } catch (error) {
      // A library that was found is refused only for not being a Node addon.
      return String(error).includes('cannot open shared object file')
    }
  })
}
