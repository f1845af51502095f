import { expect, test } from 'vitest'
import { connectStack } from '../tests/harness/stack.ts'

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
