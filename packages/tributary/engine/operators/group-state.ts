/** A whole number of any size: a number where it is exact as one, else its decimal digits. */
export type Sum = number | string

/**
 * A multiset: how often each value is there, by its JSON text. (No JSON text is the name of an object's own property
 * such as `__proto__`: texts stand in quotation marks.) Counts may be negative for a moment: what two tasks say of a
 * group arrives in any order.
 */
export type Values = Record<string, number>

/** What changes of rows mean for a group; what one task tells another. */
export interface GroupPart {
  n: number
  /** Of a group whose key is a record: what is in its row besides the figures. */
  readonly parts?: object
  readonly sums: Sum[]
  readonly sets: Values[]
}

/** Whether it is one, as far as working on it needs it to be. */
export function isGroupPart(part: unknown): part is GroupPart {
  if (typeof part !== 'object' || part === null) return false
  const { n, sums, sets } = part as Partial<GroupPart>
  return typeof n === 'number' && Array.isArray(sums) && Array.isArray(sets)
}

/** A multiset too large for one record; its values have entries of their own in the group table's second store. */
export interface WideSet {
  /** Different values. Also what tells a wide set: it is no JSON text. */
  wide: number
  /** JSON texts of the least and the greatest value, of columns that are asked for them. */
  least?: string
  greatest?: string
}

/** The running figures of one group. */
export interface GroupState {
  /** Rows in the group. */
  n: number
  /** Of a group whose key is a record: what is in its row besides the figures. */
  parts?: object
  readonly sums: Sum[]
  readonly sets: (Values | WideSet)[]
}

/** Exact in any order: sums that leave the exact numbers and come back are what they would have been. */
export function add(a: Sum, b: Sum): Sum {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  const sum = BigInt(a) + BigInt(b)
  const number = Number(sum)
  return Number.isSafeInteger(number) ? number : String(sum)
}

export function addTo(set: Values, text: string, count: number): void {
  const sum = (set[text] ?? 0) + count
  if (sum === 0) delete set[text]
  else set[text] = sum
}

export function isWide(set: Values | WideSet): set is WideSet {
  return 'wide' in set
}

/** Whether there is nothing to keep or to tell of a group. */
export function isNothing(group: GroupState): boolean {
  if (group.n !== 0) return false
  for (const sum of group.sums) if (sum !== 0) return false
  for (const set of group.sets) for (const _ in set) return false
  return true
}
