import { expect, test } from 'vitest'
import { readSuperuser } from './settings.ts'

const common = { POSTGRES_HOST: 'common.example', POSTGRES_PASSWORD: 'of the common server' }

test('a database is entered on the common server with its login', () => {
  expect(readSuperuser(common)('birds')).toMatchObject({ host: 'common.example', password: 'of the common server' })
})

test('a server of a service’s own is entered with its own password, and never shown the common one', () => {
  const own = { ...common, POSTGRES_TLS: 'on', BIRDS_POSTGRES_URL: 'postgres://birds.example:6432' }
  expect(() => readSuperuser(own)('birds')).toThrow(/BIRDS_POSTGRES_PASSWORD: is missing, and BIRDS_POSTGRES_URL names/)
  expect(readSuperuser({ ...own, BIRDS_POSTGRES_PASSWORD: 'its own' })('birds')).toMatchObject({
    host: 'birds.example',
    port: 6432,
    password: 'its own',
  })
  expect(readSuperuser(own)('bees')).toMatchObject({ host: 'common.example' })
})
