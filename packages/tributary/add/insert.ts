import type { ArrayExpression, ObjectExpression } from '@babel/types'
import type { Placed } from './syntax.ts'

/** A line may be so long before a list is written over several. */
const WIDTH = 120

/** What is put into a list: a text, or an object in braces that may need several lines. */
export type Entry = string | { readonly before: string; readonly parts: readonly string[] }

interface List {
  /** Just behind the opening bracket. */
  readonly from: number
  /** The closing bracket. */
  readonly to: number
  readonly items: readonly { readonly start: number; readonly end: number }[]
}

/** The list between the brackets of an array or an object. */
export const listOf = (node: Placed<ArrayExpression> | Placed<ObjectExpression>): List => ({
  from: node.start + 1,
  to: node.end - 1,
  items: (node.type === 'ArrayExpression' ? node.elements : node.properties) as List['items'],
})

/**
 * The text with one more entry in a list, which is written as the list is: on its line, or on one of its own. Everything
 * else stays as it is, byte for byte.
 * @param at before which item; behind the last unless told
 */
export function insert(text: string, list: List, entry: Entry, at = list.items.length): string {
  const { from, to, items } = list
  const indent = /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', from - 1) + 1))![0]
  const ends = items[0]?.start ?? to
  if (text.slice(from, ends).includes('\n')) return onOwnLine(text, list, entry, at)

  const written = items.map(({ start, end }) => text.slice(start, end))
  const room = text[from - 1] === '{' ? ' ' : ''
  const inline = written.toSpliced(at, 0, inOneLine(entry)).join(', ')
  if (hasRemarks(text, list)) return behindLast(text, list, entry)
  const joined = text.slice(0, from) + room + inline + room + text.slice(to)
  const line = joined.slice(joined.lastIndexOf('\n', from - 1) + 1).split('\n', 1)[0]!
  if (line.length <= WIDTH && !inline.includes('\n')) return joined
  const lines = written.toSpliced(at, 0, fitted(entry, `${indent}  `)).map((one) => `${indent}  ${one},\n`)
  return `${text.slice(0, from)}\n${lines.join('')}${indent}${text.slice(to)}`
}

function onOwnLine(text: string, { to, items }: List, entry: Entry, at: number): string {
  const model = items.at(-1)
  if (!model) {
    const indent = `${/^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', to - 1) + 1))![0]}  `
    return `${text.slice(0, to).trimEnd()}\n${indent}${fitted(entry, indent)},\n${indent.slice(2)}${text.slice(to)}`
  }
  const indent = /[ \t]*$/.exec(text.slice(0, model.start))![0]
  const before = items[at]
  if (before) return `${text.slice(0, before.start)}${fitted(entry, indent)},\n${indent}${text.slice(before.start)}`
  const comma = commaBehind(text, model.end, to)
  const behind = comma ?? model.end
  // A remark behind the last item stays behind it.
  const line = text.slice(behind, to).split('\n', 1)[0]!
  const rest = behind + (line.trim() === '' || behind + line.length >= to ? 0 : line.length)
  const added = `\n${indent}${fitted(entry, indent)}${comma === undefined ? '' : ','}`
  return `${text.slice(0, model.end)}${comma === undefined ? ',' : ''}${text.slice(model.end, rest)}${added}${text.slice(rest)}`
}

/** Whether something stands between the items of a list that isn't one. */
function hasRemarks(text: string, { from, to, items }: List): boolean {
  const gaps = [from, ...items.map(({ end }) => end)].map((start, at) => text.slice(start, items[at]?.start ?? to))
  return /[^\s,]/.test(gaps.join(''))
}

/** Where a list is written in an unusual way, an entry joins it as plainly as can be. */
function behindLast(text: string, { from, items }: List, entry: Entry): string {
  const end = items.at(-1)?.end ?? from
  return `${text.slice(0, end)}${items.length > 0 ? ', ' : ' '}${inOneLine(entry)}${text.slice(end)}`
}

/** Where the comma behind an item ends; undefined where there is none. */
function commaBehind(text: string, from: number, to: number): number | undefined {
  const gap = text.slice(from, to).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, (remark) => ' '.repeat(remark.length))
  const comma = gap.indexOf(',')
  return comma < 0 ? undefined : from + comma + 1
}

const inOneLine = (entry: Entry): string =>
  typeof entry === 'string' ? entry : `${entry.before}{ ${entry.parts.join(', ')} }`

function fitted(entry: Entry, indent: string): string {
  const line = inOneLine(entry)
  if (typeof entry === 'string' || indent.length + line.length + 1 <= WIDTH) return line
  return `${entry.before}{\n${entry.parts.map((part) => `${indent}  ${part},\n`).join('')}${indent}}`
}
