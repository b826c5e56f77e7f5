/**
 * What a training knows after an epoch, and its bytes: a JSON line, all values as float32, little-endian, and the SHA-256 of all
 * that, 32 bytes.
 */
import { createHash } from 'node:crypto'
import { AugmentError } from '../core/errors.js'
import type { Values } from './trainWorker.js'

interface Best {
  readonly epoch: number
  /** On the held-out pictures; null without any. */
  readonly accuracy: number | null
  readonly loss: number | null
  readonly values: Values
}

export interface Checkpoint {
  /** How many are done. */
  readonly epochs: number
  /** How many there are to be. */
  readonly planned: number
  readonly values: Values
  readonly best: Best
}

interface Header {
  /** Of all that decides the result. */
  readonly identity: string
  readonly epochs: number
  readonly planned: number
  readonly best: Omit<Best, 'values'>
  /** Names and numbers of elements: first of the values, then of the best ones. */
  readonly values: readonly (readonly [name: string, length: number])[]
}

/** Bytes of a SHA-256. */
const DIGEST = 32

export function encodeCheckpoint(
  { epochs, planned, values, best }: Checkpoint,
  identity: string,
): Uint8Array<ArrayBuffer> {
  const { values: bestValues, ...rest } = best
  const names = [...values].map(([name, { length }]) => [name, length] as const)
  const header: Header = { identity, epochs, planned, best: rest, values: names }
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`)
  const parts = [...values.values(), ...names.map(([name]) => bestValues.get(name)!)]
  const size = line.length + parts.reduce((sum, part) => sum + part.byteLength, 0)
  const bytes = new Uint8Array(size + DIGEST)
  bytes.set(line)
  let at = line.length
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at)
    at += part.byteLength
  }
  bytes.set(digestOf(bytes.subarray(0, size)), size)
  return bytes
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** Null where the checkpoint in `bytes` is of another training. Throws AugmentError 'conflict' for what is none. */
export function decodeCheckpoint(bytes: Uint8Array, identity: string, place: string): Checkpoint | null {
  const end = bytes.indexOf(10)
  const refuse = (cause?: unknown) =>
    new AugmentError('conflict', `${place}: not a checkpoint of sage-augment, or damaged`, {
      hint: 'start over with --overwrite',
      cause,
    })
  let header: Header
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)))
  } catch (cause) {
    throw refuse(cause)
  }
  if (header.identity !== identity) return null
  let at = end + 1
  const size = at + header.values.reduce((sum, [, length]) => sum + 8 * length, 0)
  if (bytes.length !== size + DIGEST || !digestOf(bytes.subarray(0, size)).equals(bytes.subarray(size))) throw refuse()
  const read = () =>
    new Map(
      header.values.map(([name, length]) => {
        // Not a slice, which shares memory where the bytes are a Buffer.
        const part = new Float32Array(Uint8Array.from(bytes.subarray(at, at + 4 * length)).buffer)
        at += 4 * length
        return [name, part] as const
      }),
    )
  return { epochs: header.epochs, planned: header.planned, values: read(), best: { ...header.best, values: read() } }
}
