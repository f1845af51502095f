/** A field of an interface, as its source says it. */
export interface Field {
  readonly name: string
  readonly optional: boolean
  readonly type: string
  readonly doc: string
}

/** The fields of an exported interface. Throws where it isn't in the source, and where a field has no docstring. */
export function fieldsOf(source: string, name: string): { readonly doc: string; readonly fields: readonly Field[] } {
  const found = new RegExp(
    `(?:/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n)?export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`,
  ).exec(source)
  if (!found) throw new Error(`there is no interface ${name}`)
  const fields: Field[] = []
  let doc = ''
  for (const part of found[2]!.split(/^(?= {2}\S)/m)) {
    const [, comment] = /^ {2}\/\*\*([\s\S]*?)\*\/\s*$/.exec(part) ?? []
    if (comment !== undefined) {
      doc = textOf(comment)
      continue
    }
    // The lines of a longer comment begin with one more blank, and are of its part.
    const field = /^ {2}(?:readonly )?(\w+)(\??)(?::\s*([\s\S]*)|(\([\s\S]*))$/.exec(part.trimEnd())
    if (!field) continue
    if (doc === '') throw new Error(`${name}.${field[1]} has no docstring`)
    fields.push({ name: field[1]!, optional: field[2] === '?', type: typeOf(field[3] ?? field[4]!), doc })
    doc = ''
  }
  return { doc: textOf(found[1] ?? ''), fields }
}

/** One of several lines is told by the names in it. */
function typeOf(type: string): string {
  const names = [...type.matchAll(/^ {4}(?:readonly )?(\w+)/gm)].map(([, name]) => name)
  return names.length > 0 ? `{ ${names.join(', ')} }` : type.replaceAll('readonly ', '').replace(/^(\(.*\)):/, '$1 =>')
}

const textOf = (comment: string) =>
  comment
    .replace(/^\s*\* ?/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim()
