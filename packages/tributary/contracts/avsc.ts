import { createRequire } from 'node:module'
import avro from 'avsc'

/** The part of avsc's reader and writer of bytes that is mended here. */
interface Tap {
  readonly buf: Buffer
  pos: number
}
interface TapMethods {
  readLong(this: Tap): number
  readInt(this: Tap): number
  writeLong(this: Tap, n: number): void
  writeInt(this: Tap, n: number): void
  writeString(this: Tap, text: string): void
}

const LOW = 2 ** 27

/**
 * avsc 5.7.9 computes a long of more than 30 bits in zigzag form as one float: from 2^52 on that form needs more than 53
 * bits, the last one is lost, and it is the sign. These do it in two halves, exact for every safe integer; what lies
 * beyond comes out beyond, and avsc's own check refuses it.
 */
function readLong(this: Tap): number {
  const { buf } = this
  let low = 0
  let shift = 0
  let byte: number
  do {
    byte = buf[this.pos++]!
    low |= (byte & 0x7f) << shift
    shift += 7
  } while (byte & 0x80 && shift < 28)
  if (!(byte & 0x80)) return (low >> 1) ^ -(low & 1)
  let high = 0
  let factor = LOW
  do {
    byte = buf[this.pos++]!
    high += (byte & 0x7f) * factor
    factor *= 128
  } while (byte & 0x80)
  const magnitude = high + (low >>> 1)
  return low & 1 ? -magnitude - 1 : magnitude
}

function writeLong(this: Tap, n: number): void {
  const { buf } = this
  let rest: number
  if (n >= -1_073_741_824 && n < 1_073_741_824) {
    rest = n >= 0 ? n << 1 : (~n << 1) | 1
  } else {
    const magnitude = n >= 0 ? n : -n - 1
    let low = ((magnitude % LOW) << 1) | (n >= 0 ? 0 : 1)
    for (let at = 0; at < 4; at++) {
      buf[this.pos++] = (low & 0x7f) | 0x80
      low >>= 7
    }
    rest = Math.floor(magnitude / LOW)
  }
  while (rest > 0x7f) {
    buf[this.pos++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buf[this.pos++] = rest
}

const { Tap } = createRequire(import.meta.url)('avsc/lib/utils') as { Tap: { prototype: TapMethods } }
const tap = Tap.prototype
const { writeString } = tap
if (typeof tap.readLong !== 'function' || typeof tap.writeLong !== 'function' || typeof writeString !== 'function') {
  throw new Error('avsc has changed: see whether contracts/avsc.ts still has anything to mend')
}
tap.readLong = tap.readInt = readLong
tap.writeLong = tap.writeInt = writeLong
/** UTF-8 has no halves of surrogate pairs: avsc writes bytes of its own for them, other ones in long texts than in short. */
tap.writeString = function (text) {
  if (!text.isWellFormed()) throw new Error(`${JSON.stringify(text)} has half a surrogate pair`)
  writeString.call(this, text)
}

export default avro
