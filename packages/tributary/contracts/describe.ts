import type { Codec } from './codec.ts'
import { UnknownSchemaId } from './errors.ts'

/**
 * Bytes of a record's value for a person: the decoded value where they are one in the registry's wire format, and else a
 * dump of their beginning.
 * @param whole whether nothing was cut off
 */
export async function describeBytes(bytes: Buffer, whole: boolean, openCodec: () => Promise<Codec>): Promise<string> {
  if (whole) {
    try {
      const codec = await openCodec()
      const decode = () => codec.decode(bytes)
      let decoded: ReturnType<typeof decode>
      try {
        decoded = decode()
      } catch (error) {
        if (!(error instanceof UnknownSchemaId)) throw error
        await codec.learn(error.id)
        decoded = decode()
      }
      return `${decoded.name} ${JSON.stringify(decoded.value, null, 2)}`
    } catch (error) {
      return `${(error as Error).message}\n${dump(bytes)}`
    }
  }
  return dump(bytes)
}

const SHOWN_BYTES = 256
const ROW_BYTES = 16

/** As `hexdump -C` shows it. */
function dump(bytes: Buffer): string {
  const rows: string[] = []
  for (let at = 0; at < Math.min(bytes.length, SHOWN_BYTES); at += ROW_BYTES) {
    const row = bytes.subarray(at, at + ROW_BYTES)
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    rows.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(ROW_BYTES * 3)} |${text}|`)
  }
  if (bytes.length > SHOWN_BYTES) rows.push(`… ${bytes.length} bytes in all`)
  return rows.join('\n')
}
