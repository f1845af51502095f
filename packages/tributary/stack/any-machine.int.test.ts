import { existsSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { scratchStack } from '#testing/stack'

const dead = 'http://127.0.0.1:9'

test('a path that people have, a strict umask, a dead proxy and settings of other programs hinder nothing', async () => {
  const umask = process.umask(0o077)
  onTestFinished(() => void process.umask(umask))
  const stack = await scratchStack({
    only: ['postgres'],
    folderName: 'my "home", it\'s ü 家'.replace(',', ''),
    env: {
      HTTP_PROXY: dead,
      HTTPS_PROXY: dead,
      ALL_PROXY: dead,
      NODE_USE_ENV_PROXY: '1',
      PGHOST: 'elsewhere',
      PGSSLMODE: 'require',
      PGOPTIONS: '-c nonsense=1',
      LC_ALL: 'tr_TR.UTF-8',
      TZ: 'Asia/Kathmandu',
    },
  })
  onTestFinished(stack.stop)
  const { ready, processes } = await stack.status()
  expect(processes.map(({ name, state, reason }) => ({ name, state, reason }))).toEqual([
    { name: 'supervisor', state: 'ready', reason: undefined },
    { name: 'postgres', state: 'ready', reason: undefined },
  ])
  expect(ready).toBe(true)
}, 300_000)

test('a path that a server would take apart is refused before anything is made', async () => {
  const stack = await scratchStack({ only: [], folderName: 'a,b' })
  const { code, stderr } = await stack.tributary(['up', '--only', 'postgres'])
  expect(code).toBe(1)
  expect(stderr).toContain('the servers take "," in a path for something else')
  expect(existsSync(stack.home)).toBe(false)
  await stack.stop()
}, 120_000)

test('when one process cannot be started, what was started with it is stopped, unless it shall be kept', async () => {
  const stack = await scratchStack({ only: [], env: { ELASTICSEARCH_DATA: '/dev/null/indices' } })
  onTestFinished(stack.stop)
  const failed = await stack.tributary(['up', '--only', 'postgres,elasticsearch'], { timeoutMs: 200_000 })
  expect(failed.code).toBe(1)
  expect(failed.stderr).toContain('(ELASTICSEARCH_DATA)')
  expect(failed.stderr).toContain(
    `What this command started was stopped (postgres). Everything that was said is in ${stack.home}/logs`,
  )
  expect((await stack.status()).processes.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped'])

  const kept = await stack.tributary(['up', '--only', 'postgres,elasticsearch', '--keep'], { timeoutMs: 200_000 })
  expect(kept.code).toBe(1)
  expect((await stack.status()).processes.find(({ name }) => name === 'postgres')?.state).toBe('ready')
}, 600_000)
