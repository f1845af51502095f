import { InvalidArgumentError } from 'commander'

/** What commands take as their arguments, read strictly: what is misspelt is refused and not taken for something else. */

export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number, 0 or more.')
}

export function positive(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number, 1 or more.')
}

export function aboveZero(text: string): number {
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a number above 0, like 20 or 0.5.')
}

/** Up to eleven days: a timer knows no longer times. */
export function seconds(text: string): number {
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of seconds, up to 999999.')
}

/** One of the names that there are. */
export function oneOf<Name extends string>(what: string, names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const found = names.find((name) => name === text)
    if (found !== undefined) return found
    throw new InvalidArgumentError(`There is no such ${what}; there are ${names.join(', ')}.`)
  }
}
