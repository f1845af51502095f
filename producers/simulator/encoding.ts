import { isUtf8 } from 'node:buffer'

const NEWLINE = 0x0a

/** Bytes that aren't UTF-8: where the first of them is, and what they look like. */
export class NotUtf8 extends Error {
  override readonly name = 'NotUtf8'
  readonly line: number
  constructor(line: number, what: string) {
    super(what)
    this.line = line
  }
}

/**
 * Passes on what it is given as long as it is UTF-8 (with or without a byte order mark).
 * @throws NotUtf8 before anything of the line with the fault is passed on
 */
export async function* onlyUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let line = 1
  let rest: Buffer = Buffer.alloc(0)
  let first = true
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (first) refuseUtf16(bytes)
    first = false
    // No character of UTF-8 has a line feed inside of it: whole lines can be judged.
    const end = bytes.lastIndexOf(NEWLINE) + 1
    rest = bytes.subarray(end)
    if (end > 0) yield judged(bytes.subarray(0, end), line)
    for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) line++
  }
  if (rest.length > 0) yield judged(rest, line)
}

function judged(bytes: Buffer, line: number): Buffer {
  if (isUtf8(bytes)) return bytes
  let from = 0
  for (let at = line; ; at++) {
    const end = bytes.indexOf(NEWLINE, from)
    const text = bytes.subarray(from, end < 0 ? bytes.length : end)
    if (!isUtf8(text)) throw notUtf8(text, at)
    from = end + 1
  }
}

function notUtf8(line: Buffer, at: number): NotUtf8 {
  let end = line.length
  while (!isUtf8(line.subarray(0, end))) end--
  const byte = `byte ${(line[end] ?? 0).toString(16).padStart(2, '0')} at place ${end + 1} of the line is not UTF-8`
  const read = new TextDecoder('windows-1252').decode(line.subarray(end, end + 1))
  return new NotUtf8(at, `${byte}: it looks like Windows-1252 or ISO 8859, where it is "${read}"`)
}

/** With a byte order mark, or with the NULs that every ASCII character has there. */
function refuseUtf16(bytes: Buffer): void {
  const [a, b] = bytes
  const marked = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)
  if (marked || bytes.subarray(0, 100).includes(0)) throw new NotUtf8(1, 'it is not UTF-8: it looks like UTF-16')
}
