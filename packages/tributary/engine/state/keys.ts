/**
 * How keys are put together, so that no text whatever (a NUL inside, half a surrogate pair, the empty one) makes two
 * different keys the same.
 */

/** Between the two parts of a key. */
export const SEPARATOR = '\u0000'
const ESCAPE = '\u0001'
const ESCAPED_ESCAPE = '\u0001\u0001'
const ESCAPED_SEPARATOR = '\u0001\u0002'

/** Longest key that an author's function may make, and longest record key that state is kept for, in UTF-16 units. */
export const MOST_KEY_CHARACTERS = 8_192

/** The key of two parts: `<first><SEPARATOR><second>`, with the separator escaped in the first. */
export function pairOf(first: string, second: string): string {
  return escaped(first) + SEPARATOR + second
}

/** The two parts of a key made by `pairOf`. */
export function partsOf(pair: string): readonly [first: string, second: string] {
  const at = pair.indexOf(SEPARATOR)
  return [unescaped(pair.slice(0, at)), pair.slice(at + 1)]
}

/** A text without separators, another one for every text; ordinary texts stay as they are. */
export function escaped(text: string): string {
  if (!text.includes(SEPARATOR) && !text.includes(ESCAPE)) return text
  return text.replaceAll(ESCAPE, ESCAPED_ESCAPE).replaceAll(SEPARATOR, ESCAPED_SEPARATOR)
}

function unescaped(text: string): string {
  if (!text.includes(ESCAPE)) return text
  let plain = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== ESCAPE) plain += text[i]
    else plain += text[++i] === ESCAPE ? ESCAPE : SEPARATOR
  }
  return plain
}

/** Follows a store's name in the changelog, instead of the separator, where the key is written as JSON. */
const AS_JSON = '\u0001'

/**
 * A row's key in the changelog. Half a surrogate pair has no UTF-8, so a key with one is written as JSON. Names of
 * stores hold neither the separator nor the mark.
 */
export function changelogKey(store: string, key: string): string {
  return key.isWellFormed() ? store + SEPARATOR + key : store + AS_JSON + JSON.stringify(key)
}

/** The store and the key that a changelog record is of; undefined for one that isn't of ours. */
export function fromChangelogKey(text: string): readonly [store: string, key: string] | undefined {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === SEPARATOR) return [text.slice(0, i), text.slice(i + 1)]
    if (text[i] === AS_JSON) return [text.slice(0, i), JSON.parse(text.slice(i + 1)) as string]
  }
  return undefined
}
