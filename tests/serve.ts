/**
 * Servers for repeated runs of the `int` tests: starts them, prints a line to put into the shell that runs the tests
 * (`export TRIBUTARY_TEST_STACK=…`), and stops them when it ends (Ctrl-C).
 *
 *   node tests/serve.ts            # the servers
 *   node tests/serve.ts postgres   # some of them
 */
import { scratchStack } from './harness/stack.ts'

const only = process.argv.slice(2)
const stack = await scratchStack({ only: only.length > 0 ? only : ['servers'] })
console.log(`export TRIBUTARY_TEST_STACK='${JSON.stringify(stack.env)}'`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stack.stop().then(() => process.exit(0)))
setInterval(() => {}, 1_000_000)
