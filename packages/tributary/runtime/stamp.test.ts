import { expect, test } from 'vitest'
import { readStamp, writeStamp } from './stamp.ts'

test('a stamp comes back as it was written, and one of before there were ids names no topic', () => {
  const stamp = { commit: 'ab12-7', topics: new Map([['a.rows.1', 'id-a']]) }
  expect(readStamp(writeStamp(stamp))).toEqual(stamp)
  expect(readStamp('ab12-7')).toEqual({ commit: 'ab12-7', topics: new Map() })
  expect(readStamp('')).toEqual({ commit: '', topics: new Map() })
})
