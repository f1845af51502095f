import { expect, test } from 'vitest'
import { machineWarnings } from './machine.ts'

test('what a machine is short of is said with figures and the command that mends it', () => {
  const [files, shared, ...others] = machineWarnings({ files: 1024, sharedMb: 8 })
  expect(files).toContain('1024 files')
  expect(files).toContain('ulimit -n 4096')
  expect(shared).toContain('/dev/shm has 8 MB')
  expect(others).toEqual([])
})

test('a machine that has enough, or does not tell, is passed over in silence', () => {
  expect(machineWarnings({ files: 1_048_576, sharedMb: 8_000 })).toEqual([])
  expect(machineWarnings({ files: undefined, sharedMb: undefined })).toEqual([])
})
