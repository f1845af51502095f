import { scratchStack } from './stack.ts'

/** Vitest's global set-up of the project `int`: the servers alone, for the whole run. */
export default async function setUp(): Promise<() => Promise<void>> {
  const stack = await scratchStack({ only: ['servers'] })
  process.env.TRIBUTARY_TEST_STACK = JSON.stringify(stack.env)
  return () => stack.stop()
}
