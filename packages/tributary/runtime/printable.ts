/**
 * What steers a terminal or turns its writing round: control characters, those of C1 too, which begin with no escape
 * character, and marks that change the direction of what follows.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
const STEERING = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g

/**
 * Text that others wrote, for one line of a terminal: what could steer it is shown as an escape. In JSON text that is
 * the same value.
 */
export function printable(text: string): string {
  return text.replace(STEERING, escaped)
}

/** The same of text that has lines and tabs of its own. */
export function printableLines(text: string): string {
  return text.replace(STEERING, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  )
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
