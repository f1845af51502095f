import { murmur2 as theirs } from '@platformatic/kafka'
import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { expect, test } from 'vitest'
import { murmur2, partitionOf } from './partitioner.ts'

test("hashes every text as Java's murmur2 does, in two other implementations", () => {
  const kafkajs = Partitioners.DefaultPartitioner()
  const metadata = Array.from({ length: 8 }, (_, partitionId) => ({ partitionId, leader: 1 }))
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 90 }), (key) => {
      expect(murmur2(key)).toBe(theirs(Buffer.from(key)))
      const partitionMetadata = metadata as never
      expect(partitionOf(key, 8)).toBe(kafkajs({ topic: 't', partitionMetadata, message: { key, value: null } }))
    }),
  )
})
