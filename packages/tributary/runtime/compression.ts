import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { lz4Frame } from './compression/lz4.ts'
import { snappy } from './compression/snappy.ts'

/** Record batches come to this many bytes at most when decompressed; what is larger is refused, not allocated. */
export const MOST_DECOMPRESSED_BYTES = 32 * 1024 * 1024

/** Compressed bytes that can't be read: broken, of an unknown kind, or far larger than anything that is sent in earnest. */
export class BadCompression extends Error {
  override readonly name = 'BadCompression'
}

const decoders: Readonly<Record<number, { name: string; read(bytes: Buffer, most: number): Buffer }>> = {
  1: { name: 'gzip', read: (bytes, most) => gunzipSync(bytes, { maxOutputLength: most }) },
  2: { name: 'snappy', read: snappy },
  3: { name: 'lz4', read: lz4Frame },
  4: { name: 'zstd', read: (bytes, most) => zstdDecompressSync(bytes, { maxOutputLength: most }) },
}

/**
 * What the compressed records of a batch are without compression. `kind` is the number in the batch's attributes
 * (https://kafka.apache.org/documentation/#recordbatch). Throws `BadCompression`, whatever the bytes are.
 */
export function decompress(kind: number, bytes: Buffer, most = MOST_DECOMPRESSED_BYTES): Buffer {
  const decoder = decoders[kind]
  if (!decoder) throw new BadCompression(`there is no compression of kind ${kind}`)
  try {
    return decoder.read(bytes, most)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ERR_BUFFER_TOO_LARGE' ? `it is larger than ${most} bytes` : message
    throw new BadCompression(`${bytes.length} bytes can't be decompressed as ${decoder.name}: ${why}`, { cause })
  }
}
