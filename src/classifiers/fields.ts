import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** The messages, texts and bytes in a message, by the numbers of their fields, without a look into them. Throws for what is none. */
export function* fieldsOf(message: Uint8Array): Generator<readonly [field: number, content: Uint8Array]> {
  const reader = new BinaryReader(message)
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (type === WireType.LengthDelimited) yield [field, reader.bytes()]
    else reader.skip(type, field)
  }
}
