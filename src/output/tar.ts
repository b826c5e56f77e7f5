/** Tar files in the ustar format (POSIX.1-1988) whose bytes depend on names and contents alone. */

const BLOCK = 512

/** Two blocks of zeros end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK)

/** A regular file of mode 644, owner 0 and time 0. `name` is ASCII, at most 100 bytes; throws RangeError if longer. */
export function* tarMember(name: string, data: Uint8Array): Generator<Uint8Array> {
  if (name.length > 100) throw new RangeError(`${name}: expected a name of at most 100 bytes`)
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  header.write(name, 0, 'latin1')
  octal(0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(data.length, 124, 12)
  octal(0, 136, 12)
  // The checksum is taken with spaces in its own place, followed by the type and the magic.
  header.write('        0', 148, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  yield header
  yield data
  yield new Uint8Array((BLOCK - (data.length % BLOCK)) % BLOCK)
}
