import type { Step } from './histories.ts'

/**
 * The same histories with odd ids and texts: empty, of JavaScript's own names, with NUL and separators, of texts whose
 * order differs between UTF-16 and bytes. Ids have no slash, which the doors see to.
 */
const odd: Readonly<Record<string, string>> = {
  o1: '__proto__',
  o2: 'o\u0000',
  o3: 'o\u0000\u0001',
  o4: '😀',
  o5: '！',
  c1: 'constructor',
  c2: '\u0001',
  c3: 'ünï|çødé',
  u1: '😀',
  u2: '\uffff',
  p1: '\u0000',
  p2: '"\\',
  p3: 'toString',
  s1: '😀|%',
  s2: '！',
  r1: '！x',
  r2: '😀x',
  brinquedos: '|',
  livros: '__proto__',
  toys: '%7C|',
  books: 'unknown',
  SP: '|',
  RJ: '%7C',
}

const oddText = (text: string) =>
  text
    .split(/([/-])/)
    .map((part) => odd[part] ?? part)
    .join('')

function oddData(data: unknown): unknown {
  if (typeof data === 'string') return oddText(data)
  if (Array.isArray(data)) return data.map(oddData)
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([name, part]) => [name, oddData(part)]))
}

/** A step with every id and text replaced, the same one by the same one. */
export const oddStep = (step: Step): Step => ({ ...step, key: oddText(step.key), data: oddData(step.data) })
