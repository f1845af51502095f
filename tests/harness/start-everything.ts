import { scratchStack } from 'tributary/testing/stack'

/**
 * Vitest's global set-up of the project `e2e`: the whole stack with every process, empty, for the whole run. Where
 * TRIBUTARY_TEST_STACK names one already (tests/serve.ts), that one serves.
 */
export default async function setUp(): Promise<() => Promise<void>> {
  if (process.env.TRIBUTARY_TEST_STACK) return async () => {}
  const stack = await scratchStack()
  process.env.TRIBUTARY_TEST_STACK = JSON.stringify(stack.env)
  return () => stack.stop()
}
