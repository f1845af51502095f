import { scratchStack } from 'tributary/testing/stack'

/**
 * Vitest's global set-up of the project `int`: the servers alone, for the whole run. Where TRIBUTARY_TEST_STACK names a
 * stack already (tests/serve.ts), that one serves: starting takes longer than most tests.
 */
export default async function setUp(): Promise<() => Promise<void>> {
  if (process.env.TRIBUTARY_TEST_STACK) return async () => {}
  const stack = await scratchStack({ only: ['servers'] })
  process.env.TRIBUTARY_TEST_STACK = JSON.stringify(stack.env)
  return () => stack.stop()
}
