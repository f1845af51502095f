import fc from 'fast-check'
import { connectStack } from 'tributary/testing/stack'
import { expect, test } from 'vitest'
import { type Command, choices, PLAIN_ONES, script } from './commands.ts'
import { realTexts } from './odd-values.ts'
import { type Answered, sendAll } from './send.ts'
import { openLetters, runs, soak } from './soak.ts'

const stack = connectStack()

/** Commands of one script; the long form sends 10,000 in all. */
const COMMANDS = 250
const SCRIPTS = runs({ short: 2, long: 40 })

let scripts = 0

test(
  'whatever is sent to the services is refused with a reason or kept as typed, and every document is what SQL says',
  async () => {
    const counts = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(choices(COMMANDS), async (all) => {
        const run = `e${Date.now().toString(36)}${scripts++}-`
        const commands = script(all, run)
        const answers = await sendAll(stack.urls.services, commands)
        for (const answered of answers) {
          counts.set(answered.status, (counts.get(answered.status) ?? 0) + 1)
          expectAnswer(answered)
        }
        const plain = new Set(commands.slice(0, PLAIN_ONES))
        expect(answers.filter(({ command, status }) => plain.has(command) && status !== 201)).toEqual([])
        for (const { command } of answers.filter(({ status }) => status === 201)) await expectKept(command, answers)
        await expectEqual()
      }),
      // A failure is made smaller in the long form only: each attempt plays a whole script.
      { numRuns: SCRIPTS, endOnFailure: !soak.long, ...soak.replay },
    )
    console.log(
      `answers by status: ${[...counts]
        .sort()
        .map(([status, n]) => `${status}: ${n}`)
        .join(', ')}`,
    )
    expect(counts.get(201) ?? 0, 'a good part has to be accepted').toBeGreaterThan(COMMANDS * SCRIPTS * 0.2)
  },
  runs({ short: 10, long: 90 }) * 60_000,
)

test('what people really write is accepted and kept as typed', async () => {
  const run = `r${Date.now().toString(36)}`
  const commands = realTexts.map((text, i): Command => {
    const body = { customerId: `${run}${i}`, uniqueId: `${run}u`, zip: 'AB1 2CD', city: text, state: text }
    return {
      service: 'customers',
      method: 'POST',
      path: '/customers',
      body,
      made: { path: `/customers/${run}${i}`, fields: body },
    }
  })
  const answers = await sendAll(stack.urls.services, commands)
  expect(answers.filter(({ status }) => status !== 201)).toEqual([])
  for (const command of commands) await expectKept(command, answers)
}, 60_000)

function expectAnswer({ command, status, type, text }: Answered): void {
  const said = `${command.method} ${command.service}${command.path} ${JSON.stringify(command.body)} answered ${status}: ${text}`
  expect(status, said).toBeLessThan(500)
  if (status < 400) return
  expect(type, said).toMatch(/^application\/problem\+json/)
  expect(JSON.parse(text), said).toMatchObject({ status, code: expect.any(String), title: expect.any(String) })
}

/** What was accepted can be read, and stands there as it was typed, unless a later command changed it. */
async function expectKept({ service, made }: Command, answers: readonly Answered[]): Promise<void> {
  if (made === undefined) return
  const response = await fetch(`${stack.urls.services[service]}${made.path}`)
  const changed = answers.some(
    ({ command, status }) => status < 300 && command.service === service && command.path.startsWith(`${made.path}`),
  )
  if (changed) return
  expect(response.status, made.path).toBe(200)
  expect(await response.json()).toMatchObject(made.fields)
}

async function expectEqual(): Promise<void> {
  const wait = await stack.tributary(['wait'], { timeoutMs: 180_000 })
  expect(wait.code, `${wait.stdout}\n${wait.stderr}`).toBe(0)
  const verify = await stack.tributary(['verify'], { timeoutMs: 300_000 })
  expect(verify.code, `${verify.stdout}\n${verify.stderr}`).toBe(0)
  expect(await openLetters(stack)).toEqual([])
}
