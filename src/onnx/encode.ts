/** Encodes a model with one copy of its weights: the library would copy them again for every message around them. */
import { clearField, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { GraphProtoSchema, type ModelProto, ModelProtoSchema, type TensorProto, TensorProtoSchema } from 'onnx-buf'
import { revise } from './revise.js'

/** Numbers of the fields that hold the bulk of a model. */
const [GRAPH, INITIALIZER, RAW_DATA] = [7, 5, 9]

const lengthOf = (pieces: readonly Uint8Array[]) => pieces.reduce((sum, piece) => sum + piece.length, 0)

/** A field of bytes or of a message whose encoding comes in pieces. */
function field(number: number, pieces: readonly Uint8Array[]): Uint8Array[] {
  return [new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(lengthOf(pieces)).finish(), ...pieces]
}

function encodeTensor(tensor: TensorProto): Uint8Array[] {
  const rest = revise(tensor, {})
  // Present and empty, it would be the tensor's data.
  clearField(rest, TensorProtoSchema.field.rawData)
  const head = toBinary(TensorProtoSchema, rest)
  return tensor.rawData.length > 0 ? [head, ...field(RAW_DATA, [tensor.rawData])] : [head]
}

/** The ONNX bytes of a model. */
export function encodeModel(model: ModelProto): Uint8Array<ArrayBuffer> {
  const shell = revise(model, {})
  clearField(shell, ModelProtoSchema.field.graph)
  const pieces: Uint8Array[] = [toBinary(ModelProtoSchema, shell)]
  if (model.graph) {
    const structure = toBinary(GraphProtoSchema, revise(model.graph, { initializer: [] }))
    const weights = model.graph.initializer.flatMap((tensor) => field(INITIALIZER, encodeTensor(tensor)))
    pieces.push(...field(GRAPH, [structure, ...weights]))
  }
  const bytes = new Uint8Array(lengthOf(pieces))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
