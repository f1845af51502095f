const SEED = 0x9747b28c
const M = 0x5bd1e995

const encoder = new TextEncoder()
let scratch = new Uint8Array(1_024)

/**
 * The partition of a key: Java's murmur2 over its UTF-8 bytes, `& 0x7fffffff`, modulo the number of partitions.
 * This is what Kafka's own producer does (org.apache.kafka.common.utils.Utils.murmur2), and so must everybody here.
 */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** Java's murmur2 over the text's UTF-8 bytes, as a signed 32-bit number. */
export function murmur2(text: string): number {
  if (scratch.length < text.length * 3) scratch = new Uint8Array(text.length * 3)
  const bytes = scratch
  let length = text.length
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) {
      length = encoder.encodeInto(text, bytes).written
      break
    }
    bytes[i] = code
  }
  let h = SEED ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const rest = length - i
  if (rest > 0) {
    if (rest === 3) h ^= bytes[i + 2]! << 16
    if (rest >= 2) h ^= bytes[i + 1]! << 8
    h ^= bytes[i]!
    h = Math.imul(h, M)
  }
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}
