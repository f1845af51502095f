import { expect, test } from 'vitest'
import { scramVerifier, verifies } from './scram.ts'

test('a verifier is what PostgreSQL makes of the password', () => {
  // RFC 7677, section 3: user "user", password "pencil".
  const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096)
  expect(verifier).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
  expect(verifies(verifier, 'pencil')).toBe(true)
  expect(verifies(verifier, 'pencils')).toBe(false)
  expect(verifies(null, 'pencil')).toBe(false)
  expect(verifies('md5abc', 'pencil')).toBe(false)
})
