import types from '@babel/types'
import { SERVICE_NAME, serviceNameRule } from '#system/names'
import { Refused } from './refused.ts'

/** Names that logins, processes and settings of the machine have already. */
const taken = new Set(
  (
    'postgres kafka registry connect elasticsearch kibana sink freshness reports watch verify verifier maintainer ' +
    'tributary template0 template1'
  ).split(' '),
)

/** Postgres' reserved key words that are names of ours (its documentation, appendix C): a database can't be called so. */
const reserved = new Set(
  (
    'all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation ' +
    'column concurrently constraint create cross default deferrable desc distinct do else end except false fetch for ' +
    'foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading ' +
    'left like limit localtime localtimestamp natural none not notnull null offset on only or order outer overlaps ' +
    'placing primary public references returning right select similar some symmetric table tablesample then to ' +
    'trailing true union unique user using variadic verbose when where window with'
  ).split(' '),
)

/** What a service may be called. Throws `Refused`. */
export function checkServiceName(name: string): void {
  checkName('service', name)
  if (taken.has(name)) throw new Refused(`a service can't be called "${name}": a part of the machine is called so`)
  if (reserved.has(name)) throw new Refused(`a service can't be called "${name}": it is a key word of SQL`)
  checkConstant(pascal(name))
}

/** What a read model, its topology or a report may be called. Throws `Refused`. */
export function checkName(what: string, name: string): void {
  if (!SERVICE_NAME.test(name)) throw new Refused(`a ${what} can't be called "${name}": ${serviceNameRule}`)
  if (!types.isValidIdentifier(name)) throw new Refused(`a ${what} can't be called "${name}": it is a key word`)
}

/** What an event, and with it a record, may be called. Throws `Refused`. */
export function checkEventName(name: string): void {
  if (!/^[A-Z][A-Za-z0-9]{0,79}$/.test(name)) {
    throw new Refused(
      `an event can't be called "${name}": a name is letters and digits, the first a capital, as in BookLent`,
    )
  }
  checkConstant(name)
}

/** What a field may be called. Throws `Refused`. */
export function checkFieldName(name: string): void {
  if (!/^[a-z][A-Za-z0-9]{0,59}$/.test(name) || !types.isValidIdentifier(name)) {
    throw new Refused(
      `a field can't be called "${name}": a name is letters and digits, the first a small one, as in lentAt`,
    )
  }
}

function checkConstant(name: string): void {
  if (name in globalThis || name === 'Contract' || name === 'Instant') {
    throw new Refused(`"${name}" is what TypeScript code calls something else: choose another name`)
  }
}

/** `lateFees` and `latefees` as a type is written: `LateFees`, `Latefees`. */
export const pascal = (name: string) => name[0]!.toUpperCase() + name.slice(1)

/** One of them: `fines` → `fine`, `categories` → `category`. What isn't a plural stays as it is. */
export function singular(name: string): string {
  if (/[^aeiou]ies$/.test(name) && name.length > 4) return name.replace(/ies$/, 'y')
  if (/(ss|x|ch|sh)es$/.test(name)) return name.slice(0, -2)
  return /[^su]s$/.test(name) && name.length > 3 ? name.slice(0, -1) : name
}

/** `memberId` → `member_id`, as a column is called. */
export const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** A name within a sentence: `fine` → `a fine`, `order` → `an order`. */
export const oneOf = (noun: string) => `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`
