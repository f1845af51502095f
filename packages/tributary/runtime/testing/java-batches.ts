import batches from './java-batches.json' with { type: 'json' }

/**
 * Record batches as Kafka's own Java client (4.2.1) builds them, all of the same twelve records from offset 7 on; and one
 * of two records whose time the broker set (5,000).
 */
export const javaBatch = (name: keyof typeof batches): Buffer => Buffer.from(batches[name], 'base64')

/** The records: offset, timestamp, key, value, and the one byte of the header `h`. */
export const javaRecords = Array.from({ length: 12 }, (_, i) => ({
  offset: 7 + i,
  timestamp: 1_000 + i,
  key: `k${i}`,
  value: `the same words over and over, number ${i % 3}`,
  h: i,
}))

export const javaKinds = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
