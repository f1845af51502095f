import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectStack, scratchStack } from '#testing/stack'

test('every server of the stack is ready, and status says where', async () => {
  const stack = connectStack()
  const status = await stack.status()
  expect(status.processes.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'supervisor ready',
    'postgres ready',
    'kafka ready',
    'registry ready',
    'elasticsearch ready',
    'connect ready',
  ])
  expect(status.ready).toBe(true)
  expect(status.urls).toEqual(stack.urls)
})

test('Elasticsearch keeps its indices in the folder it is given, and the folder goes with the stack', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'indices-'))
  onTestFinished(() => rmSync(elsewhere, { recursive: true, force: true }))
  chmodSync(elsewhere, 0o755)
  const stack = await scratchStack({ only: ['elasticsearch'], env: { ELASTICSEARCH_DATA: elsewhere } })
  const [folder] = readdirSync(elsewhere)
  expect(existsSync(join(elsewhere, folder!, 'node.lock'))).toBe(true)
  await stack.stop()
  expect(readdirSync(elsewhere)).toEqual([])
}, 300_000)

test('a folder that the servers cannot use for indices is named', async () => {
  const stack = await scratchStack({ only: [], env: { ELASTICSEARCH_DATA: '/dev/null/indices' } })
  onTestFinished(stack.stop)
  const { code, stderr } = await stack.tributary(['up', '--only', 'elasticsearch'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/keep its indices in \/dev\/null\/indices\/tributary-.*\(ELASTICSEARCH_DATA\)/)
}, 120_000)
