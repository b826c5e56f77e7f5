import type { Message } from '@bufbuild/protobuf'

/** A shallow copy of a protobuf message with some fields changed (a spread would lose the defaults on its prototype). */
export function revise<T extends Message>(message: T, fields: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields)
}
