/** What of an Avro schema is looked at here. */
interface Schema {
  readonly type?: unknown
  readonly fields?: readonly Field[]
  readonly items?: unknown
}
interface Field {
  readonly name: string
  readonly type: unknown
  readonly aliases?: readonly string[]
  readonly default?: unknown
}

/**
 * Which values are written and no longer read though nothing breaks: a field that has another name now and doesn't say
 * so reads as its default wherever the old one was written. Avro resolves that without a word
 * (https://avro.apache.org/docs/1.12.0/specification/#schema-resolution).
 * @returns a sentence for each such field, none where every written field is read
 */
export function lostFields(reader: unknown, writer: unknown, path = ''): string[] {
  const [read, written] = [recordOf(reader)?.fields, recordOf(writer)?.fields]
  if (!read || !written) return []
  const isRead = (name: string) => read.some((field) => field.name === name || field.aliases?.includes(name))
  const lost = written.filter(({ name }) => !isRead(name))
  const sentences: string[] = []
  for (const field of read) {
    const source = written.find(({ name }) => name === field.name || field.aliases?.includes(name))
    if (source) {
      sentences.push(...lostFields(field.type, source.type, `${path}${field.name}.`))
    } else if (lost.length > 0) {
      const names = lost.map(({ name }) => `"${path}${name}"`).join(', ')
      sentences.push(
        `"${path}${field.name}" reads as ${JSON.stringify(field.default ?? null)} there, and ${names} is read no more: ` +
          'where it is the same under another name, give it "aliases"',
      )
    }
  }
  return sentences
}

/** The record in a type, also in one that may be null or is a list. */
function recordOf(type: unknown): Schema | undefined {
  if (Array.isArray(type)) return type.map(recordOf).find((record) => record !== undefined)
  if (type === null || typeof type !== 'object') return undefined
  const schema = type as Schema
  return schema.fields ? schema : recordOf(schema.items ?? (typeof schema.type === 'object' ? schema.type : undefined))
}
