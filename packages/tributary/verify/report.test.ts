import { expect, test } from 'vitest'
import { describe } from './report.ts'

test('what documents hold is shown whole, and does not steer the terminal', () => {
  const totals = { documents: 1, sums: {} }
  const difference = { key: 'o\u001B[2J', kind: 'missing', expected: { city: 'a\u009B31m\nb' } } as const
  const shown = describe([
    {
      readModel: 'orders',
      expected: totals,
      found: totals,
      differedAtFirst: 1,
      differences: [difference],
      setAside: [{ difference, letter: { id: 'x\u202E', app: 'sink', reason: 'refused', at: 'then' } }],
    },
  ])
  expect(shown).toContain('  o\\u001b[2J is missing\n')
  expect(shown).toContain('{"city":"a\\u009b31m\\nb"}')
  expect(shown).toContain('dead-letters show x\\u202e')
})
