import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { envFileWarnings } from './env-file.ts'
import { shapeOf } from './shape.ts'

const folder = mkdtempSync(join(tmpdir(), 'env-file-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const shape = shapeOf({ services: ['boats'], topologies: new Map([['trips', {}]]) })

test('a misspelt setting in .env is named; what is known, and what is the project’s own, is not', () => {
  writeFileSync(
    join(folder, '.env'),
    [
      'KAFKA_PROT=12',
      'KAFKA_PORT=19092',
      'BOATS_PORT=14001',
      'PROCESSOR_TRIPS_PORT=14011',
      'BOATS_DB_PASSWORD=secret',
      'BOATS_POSTGRES_URL=postgres://db:5432',
      'KAFKA_USERNAME=ana',
      'REPORTS_URL=http://127.0.0.1:1',
      'WEATHER_API_KEY=mine',
      'TRIBUTARY_HOM=/data',
      '# KAFKA_NOTHING=1',
    ].join('\n'),
  )
  expect(envFileWarnings(shape, folder)).toEqual([
    '.env sets KAFKA_PROT, which nothing reads: is it misspelt? docs/reference/settings.md has all names',
    '.env sets TRIBUTARY_HOM, which nothing reads: is it misspelt? docs/reference/settings.md has all names',
  ])
})

test('a project without .env needs none', () => {
  expect(envFileWarnings(shape, join(folder, 'elsewhere'))).toEqual([])
})
