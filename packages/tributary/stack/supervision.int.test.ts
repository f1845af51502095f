import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ScratchStack, scratchStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'

/** A stack of its own, with the one server that is light: what is killed here may not be others' Kafka. */
let stack: ScratchStack
beforeAll(async () => {
  stack = await scratchStack({ only: ['postgres'] })
}, 120_000)
afterAll(() => stack?.stop(), 60_000)

const one = async (name: string) => (await stack.status()).processes.find((process) => process.name === name)

test('a server that is killed comes back by itself', async () => {
  const before = await one('postgres')
  process.kill(before!.pid!, 'SIGKILL')
  const after = await waitUntil(
    'postgres is ready with another pid',
    async () => {
      const now = await one('postgres')
      return now?.state === 'ready' && now.pid !== before?.pid && now
    },
    { timeoutMs: 30_000 },
  )
  expect(after.restarts).toBeGreaterThan(0)
})

test('up on a stack that runs leaves it alone', async () => {
  const before = await one('postgres')
  expect((await stack.tributary(['up', '--only', 'postgres'])).code).toBe(0)
  expect((await one('postgres'))?.pid).toBe(before?.pid)
})

test('when the supervisor is killed, up ends what it left behind and brings everything back', async () => {
  const orphan = (await one('postgres'))!.pid!
  process.kill((await one('supervisor'))!.pid!, 'SIGKILL')
  await waitUntil('status sees that nobody supervises', async () => (await one('supervisor'))?.state === 'stopped')
  expect(() => process.kill(orphan, 0), 'the orphan lives on').not.toThrow()

  const { code, stdout, stderr } = await stack.tributary(['up', '--only', 'postgres'])
  expect(code, stderr).toBe(0)
  expect(stdout).toContain('ended 1 ')
  expect((await one('postgres'))?.state).toBe('ready')
  await waitUntil('the orphan is gone', async () => !isThere(orphan))
})

/** Ended processes count as there until their new parent has reaped them. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test.skipIf(process.platform !== 'linux')(
  'a process is given the secrets it needs, nothing of the shell that called',
  async () => {
    const { pid } = (await one('postgres'))!
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    expect(environment.filter((entry) => /PASSWORD|^npm_|^VITEST/.test(entry))).toEqual([])
  },
)

// Only root may read it of another process.
test.skipIf(!existsSync('/proc/self/timerslack_ns') || process.getuid?.() !== 0)(
  'timers of what it runs may be a millisecond late',
  async () => {
    const { pid } = (await one('postgres'))!
    expect(Number(readFileSync(`/proc/${pid}/timerslack_ns`, 'utf8'))).toBe(1_000_000)
  },
)

test('stop and start take single processes, and status fails meanwhile', async () => {
  expect((await stack.tributary(['stop', 'postgres'])).code).toBe(0)
  const stopped = await stack.tributary(['status', '--json'])
  expect(stopped.code).toBe(1)
  expect(JSON.parse(stopped.stdout).ready).toBe(false)
  expect((await stack.tributary(['start', 'postgres'])).code).toBe(0)
  expect((await stack.tributary(['status'])).code).toBe(0)
})

test('a taken port is named with its holder before anything starts', async () => {
  await stack.tributary(['down'])
  const port = Number(stack.env.POSTGRES_PORT)
  await using holder = createServer()
  await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve))
  const { code, stderr } = await stack.tributary(['up', '--only', 'postgres'])
  expect(code).toBe(1)
  expect(stderr).toContain(`port ${port} (POSTGRES_PORT) is taken by pid ${process.pid} (`)
  expect((await one('supervisor'))?.state).toBe('stopped')
})
