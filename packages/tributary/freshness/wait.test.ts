import { expect, test } from 'vitest'
import { describeExcepted } from './wait.ts'

test('a key that was set aside is told in one line that does not steer the terminal', () => {
  const letter = {
    app: 'sink',
    id: 'a',
    topic: 'orders.rows.1',
    reason: 'unreadable',
    since: 'then',
    readModel: 'orders',
  }
  expect(describeExcepted({ ...letter, key: '\u001B[2J\nb' })).toBe(
    'orders.rows.1  \\u001b[2J\\u000ab  unreadable, set aside by sink at then',
  )
  expect(describeExcepted({ ...letter, key: null })).toContain('(no key)')
})
