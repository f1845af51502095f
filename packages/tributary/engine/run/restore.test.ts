import { expect, test, vi } from 'vitest'
import type { Cluster } from '../kafka/cluster.ts'
import type { FetchedRecord } from '../kafka/records.ts'
import { restore } from './restore.ts'

const fetched: FetchedRecord[] = []
vi.mock('../kafka/admin.ts', () => ({
  listOffsets: async (_: unknown, which: string) => new Map([['log/0', which === 'earliest' ? 0 : fetched.length]]),
}))
vi.mock('../kafka/fetcher.ts', () => ({
  fetchRecords: async () => [{ partition: 0, records: fetched, nextOffset: fetched.length }],
}))

const record = (offset: number, more: Partial<FetchedRecord> = {}): FetchedRecord => {
  return { offset, timestamp: 0, key: Buffer.from(`k${offset}`), value: Buffer.from('1'), headers: () => [], ...more }
}
const read = async (...records: FetchedRecord[]) => {
  fetched.splice(0, fetched.length, ...records)
  const loaded: string[] = []
  await restore({} as Cluster, 'log', [0], (_, key) => void loaded.push(key), 'reset it')
  return loaded
}

test('a batch of the changelog that cannot be read is no state to go on with', async () => {
  expect(await read(record(0), record(1))).toEqual(['k0', 'k1'])
  await expect(read(record(0), record(1, { key: null, unreadable: 'it is cut off' }))).rejects.toThrow(
    'a part of the state is lost: offset 1 of partition 0 of "log": it is cut off. reset it',
  )
})
