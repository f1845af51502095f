/**
 * A stack for repeated runs of the `int` and `e2e` tests: starts it, prints a line to put into the shell that runs the
 * tests (`export TRIBUTARY_TEST_STACK=…`), and stops it when it ends (Ctrl-C).
 *
 *   node tests/serve.ts            # the servers, for `int`
 *   node tests/serve.ts postgres   # some of them
 *   node tests/serve.ts all        # with every process, for `e2e`
 */
import { scratchStack } from 'tributary/testing/stack'

const only = process.argv.slice(2)
const stack = await scratchStack(only[0] === 'all' ? {} : { only: only.length > 0 ? only : ['servers'] })
console.log(`export TRIBUTARY_TEST_STACK='${JSON.stringify(stack.env)}'`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stack.stop().then(() => process.exit(0)))
setInterval(() => {}, 1_000_000)
