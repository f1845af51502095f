import { Output } from './output.ts'

/** What Java's clients write before it: a header of 16 bytes, then blocks, each with its length (xerial's snappy-java). */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const XERIAL_HEADER_BYTES = 16

/** Reads Snappy as Kafka's clients write it: in xerial's blocks (Java), or a single raw one (librdkafka with `raw`). */
export function snappy(bytes: Buffer, most: number): Buffer {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return readBlock(bytes, most)
  const blocks: Buffer[] = []
  let left = most
  let at = XERIAL_HEADER_BYTES
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw new Error('it ends within the length of a block')
    const length = bytes.readUInt32BE(at)
    at += 4
    if (at + length > bytes.length) throw new Error('it ends within a block')
    const block = readBlock(bytes.subarray(at, at + length), left)
    left -= block.length
    at += length
    blocks.push(block)
  }
  return Buffer.concat(blocks)
}

/** A raw block (https://github.com/google/snappy/blob/main/format_description.txt). */
function readBlock(block: Buffer, most: number): Buffer {
  let at = 0
  const byte = () => {
    if (at >= block.length) throw new Error('it ends within an element')
    return block[at++]!
  }
  const number = (bytes: number) => {
    let value = 0
    for (let i = 0; i < bytes; i++) value += byte() * 2 ** (8 * i)
    return value
  }

  let whole = 0
  for (let scale = 1, more = 128; more >= 128; scale *= 128) {
    more = byte()
    whole += (more % 128) * scale
    if (whole > most) throw new Error(`it is larger than ${most} bytes`)
  }
  const output = new Output(whole, whole)
  while (at < block.length) {
    const tag = byte()
    const upper = tag >>> 2
    switch (tag & 3) {
      case 0: {
        const length = (upper < 60 ? upper : number(upper - 59)) + 1
        output.literal(block, at, length)
        at += length
        break
      }
      case 1:
        output.again(((tag >>> 5) << 8) | byte(), (upper & 7) + 4)
        break
      case 2:
        output.again(number(2), upper + 1)
        break
      default:
        output.again(number(4), upper + 1)
    }
  }
  if (output.length < whole) throw new Error(`it has ${output.length} bytes, and says ${whole}`)
  return output.finish()
}
