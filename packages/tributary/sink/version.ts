/** Offsets below 2^40 and generations below 2^13 keep a version a whole number that JSON carries exactly. */
const OFFSETS = 2 ** 40
export const GENERATIONS = 2 ** 13

/**
 * The external version of a document written from the record at `offset`, into an index of this generation.
 * A record further on in its partition always has a greater one, and so has any record of a later generation.
 */
export function versionOf(generation: number, offset: number): number {
  if (!(Number.isInteger(generation) && generation >= 1 && generation < GENERATIONS))
    throw new RangeError(`index generation ${generation} is not between 1 and ${GENERATIONS - 1}`)
  if (!(Number.isInteger(offset) && offset >= 0 && offset < OFFSETS))
    throw new RangeError(`offset ${offset} is not between 0 and 2^40 - 1`)
  return generation * OFFSETS + offset
}
