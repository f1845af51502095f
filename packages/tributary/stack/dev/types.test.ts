import { expect, test } from 'vitest'
import { typeFaults } from './types.ts'

test('faults with file and line; what explains one stays with it', () => {
  const said = [
    "producers/loans/service.ts(72,7): error TS2322: Type 'number' is not assignable to type 'string'.",
    "  The expected type comes from property 'a'",
    'sinks/a b.ts(1,1): error TS6133: unused.',
    '',
  ].join('\n')
  expect(typeFaults(said)).toEqual([
    "producers/loans/service.ts:72 TS2322: Type 'number' is not assignable to type 'string'.\n  The expected type comes from property 'a'",
    'sinks/a b.ts:1 TS6133: unused.',
  ])
})

test('a fault of the settings has no place', () => {
  expect(typeFaults("error TS5023: Unknown compiler option 'x'.\n")).toEqual(["TS5023: Unknown compiler option 'x'."])
})
