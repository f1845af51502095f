import { gzipSync, zstdCompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BadCompression, decompress } from './compression.ts'

const kinds: readonly (readonly [name: string, kind: number, compress: (bytes: Buffer) => Buffer])[] = [
  ['gzip', 1, (bytes) => gzipSync(bytes)],
  ['snappy', 2, snappyCompress],
  ["snappy in xerial's blocks", 2, xerial],
  ['lz4', 3, lz4Compress],
  ['zstd', 4, (bytes) => zstdCompressSync(bytes)],
]

/** As Java's clients write it: blocks of 32 KiB, each with its length. */
function xerial(bytes: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from('82534e4150505900' + '00000001' + '00000001', 'hex')]
  for (let at = 0; at < bytes.length; at += 32_768) {
    const block = snappyCompress(bytes.subarray(at, at + 32_768))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Bytes that repeat themselves more or less, near and far. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 1_000 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))))

describe.each(kinds)('%s', (_, kind, compress) => {
  test('is read as it was before it was compressed', () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        expect(decompress(kind, compress(bytes)).equals(bytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('broken anywhere is refused or comes to something within the bound, and never hangs', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(repetitive, flips, fc.nat(), (bytes, flips, cut) => {
        const broken = Buffer.from(compress(bytes))
        if (broken.length === 0) return
        for (const [at, value] of flips) broken[at % broken.length] = value
        const whole = cut % 2 ? broken : broken.subarray(0, cut % broken.length)
        try {
          expect(decompress(kind, whole, 500_000).length).toBeLessThanOrEqual(500_000)
        } catch (error) {
          expect(error).toBeInstanceOf(BadCompression)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('that comes to more than the bound is refused before it takes the memory', () => {
    const bomb = compress(Buffer.alloc(20_000_000))
    const before = process.memoryUsage().arrayBuffers
    expect(() => decompress(kind, bomb, 1_000_000)).toThrow(/can't be decompressed as .*larger/)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000)
  })
})

test('a kind of compression that nobody knows is refused by its number', () => {
  expect(() => decompress(6, Buffer.alloc(3))).toThrow('there is no compression of kind 6')
})
