import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { expect, test } from 'vitest'
import system from '../../../tributary.config.ts'
import { generateContracts, generatedFile, schemaFiles } from './generate.ts'

test('the generated types are those of the Avro files', () => {
  expect(readFileSync(generatedFile, 'utf8')).toBe(generateContracts())
})

test('every Avro file is a contract of a topic, named by its folder and file', () => {
  const named = schemaFiles().map((file) => `tributary.${basename(dirname(file))}.${basename(file, '.avsc')}`)
  expect(named.toSorted()).toEqual(system.contracts.map((c) => c.name).toSorted())
})
