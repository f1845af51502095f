import { Output } from './output.ts'

const MAGIC = 0x184d2204
const UNCOMPRESSED = 0x8000_0000
const LEAST_MATCH = 4

/**
 * Reads an LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). Checksums aren't looked at: a record
 * batch has one of its own, and clients of Kafka long wrote wrong ones in the frame's header (KIP-57).
 */
export function lz4Frame(bytes: Buffer, most: number): Buffer {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw new Error('it is no LZ4 frame')
  const flags = bytes[4]!
  if (flags >>> 6 !== 1) throw new Error(`it is of version ${flags >>> 6} of the frame format`)
  const blockChecksums = (flags & 0x10) !== 0
  let at = 6 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1
  const output = new Output(most, bytes.length * 4)
  for (;;) {
    if (at + 4 > bytes.length) throw new Error('it ends before its end mark')
    const size = bytes.readUInt32LE(at)
    at += 4
    if (size === 0) return output.finish()
    const length = size % UNCOMPRESSED
    if (at + length > bytes.length) throw new Error('it ends within a block')
    if (size >= UNCOMPRESSED) output.literal(bytes, at, length)
    else readBlock(bytes.subarray(at, at + length), output)
    at += length + (blockChecksums ? 4 : 0)
  }
}

/** A block: literals and copies in turn (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md). */
function readBlock(block: Buffer, output: Output): void {
  let at = 0
  const byte = () => {
    if (at >= block.length) throw new Error('a block ends within a sequence')
    return block[at++]!
  }
  const lengthOf = (nibble: number) => {
    let length = nibble
    if (nibble === 15) {
      for (let more = 255; more === 255; length += more) more = byte()
    }
    return length
  }
  while (at < block.length) {
    const token = byte()
    const literals = lengthOf(token >>> 4)
    output.literal(block, at, literals)
    at += literals
    // The last sequence has literals only.
    if (at === block.length) return
    const distance = byte() | (byte() << 8)
    output.again(distance, lengthOf(token & 15) + LEAST_MATCH)
  }
}
