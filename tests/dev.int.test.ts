import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from 'tributary/testing'
import { type ScratchStack, scratchStack } from 'tributary/testing/stack'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'

/**
 * `tributary dev` on a copy of the project, which may be edited, with a stack of its own, which may be ended: one service
 * and what it needs.
 */
const root = join(import.meta.dirname, '..')
/** Below the repository, so that what is installed is found in the repository's node_modules. */
const copy = join(root, '.tributary', `dev-test-${process.pid}`)
const parts = [
  'schemas',
  'producers',
  'connectors',
  'processors',
  'sinks',
  'tributary.config.ts',
  'package.json',
  'tsconfig.json',
]
const SERVICE = 'producers/customers/service.ts'
const ROUTES = 'producers/customers/routes.ts'
/** What follows a save; without waiting for it, the next test's save would meet a start that is under way. */
const RUNS = /dev +\| customers runs what is written/
/** Generous: other tests and compilers may have the cores. */
const LONG = { timeoutMs: 120_000 }

let stack: ScratchStack
let dev: ChildProcess | undefined
/** Since the last save, and altogether. */
let said = ''
let everything = ''

beforeAll(async () => {
  mkdirSync(copy, { recursive: true })
  const filter = (file: string) => !/\.test(-d)?\.ts$|\/testing$/.test(file)
  for (const part of parts) cpSync(join(root, part), join(copy, part), { recursive: true, filter })
  stack = await scratchStack({ only: ['postgres', 'kafka', 'registry'] })
  for (const step of [['migrate'], ['topics', 'apply'], ['schemas', 'register']]) {
    const { code, stderr } = await stack.tributary(step)
    expect(code, stderr).toBe(0)
  }
}, 240_000)
afterAll(async () => {
  dev?.kill('SIGKILL')
  await stack?.stop()
  rmSync(copy, { recursive: true, force: true })
}, 300_000)

function startDev(): ChildProcess {
  said = ''
  const child = spawn(process.execPath, [join(root, 'packages/tributary/tributary.ts'), 'dev', '--only', 'customers'], {
    cwd: copy,
    env: { ...process.env, ...stack.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8')
    stream.on('data', (text) => {
      said += text
      everything += text
    })
  }
  return child
}

/** As editors save: a file beside it that takes its place. */
function save(file: string, text: string): void {
  writeFileSync(join(copy, `${file}~`), text)
  renameSync(join(copy, `${file}~`), join(copy, file))
  said = ''
}
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
const saidIt = (text: string | RegExp) =>
  waitUntil(
    `dev says ${text}`,
    () => {
      // What it said instead is what somebody wants to know.
      if (!(typeof text === 'string' ? said.includes(text) : text.test(said))) throw new Error(said)
      return true
    },
    LONG,
  )
const described = async (): Promise<string | undefined> => {
  try {
    const answer = await fetch(`${stack.urls.services.customers}/openapi.json`)
    return ((await answer.json()) as { info: { description: string } }).info.description
  } catch {
    return undefined
  }
}
const describing = (text: string) => textOf(SERVICE).replace(/description: '.*'/, `description: '${text}'`)
const showAllThatWasSaid = () => onTestFailed(() => console.log(everything))

test('it brings up what is asked for, and follows', async () => {
  showAllThatWasSaid()
  dev = startDev()
  await saidIt('follows the files')
  expect(await described()).toBe(/description: '(.*)'/.exec(textOf(SERVICE))![1])
  expect(said, 'no colours where no terminal is').not.toContain('\u001b[')
}, 300_000)

test('what is saved is what answers', async () => {
  showAllThatWasSaid()
  const began = performance.now()
  save(SERVICE, describing('new words'))
  await waitUntil('the new code answers', async () => (await described()) === 'new words', LONG)
  console.log(`from saving to the new answer: ${((performance.now() - began) / 1000).toFixed(1)} s`)
  await saidIt(RUNS)
}, 300_000)

test('a file that does not load is named with its line, the old code goes on, and the next save runs', async () => {
  showAllThatWasSaid()
  const text = textOf(ROUTES)
  const line = text.split('\n').length
  save(ROUTES, `${text}export const broken = {{\n`)
  await saidIt(`${ROUTES}:${line} `)
  expect(said).toContain("customers doesn't load: what runs goes on as it was")
  expect(await described()).toBe('new words')
  save(ROUTES, text)
  await saidIt('everything loads again')
  await saidIt(RUNS)
}, 300_000)

test('a process that ends at its start is said to, once, and the next save starts it at once', async () => {
  showAllThatWasSaid()
  save(
    SERVICE,
    describing('ends').replace(
      'export const service',
      "if (process.env.TRIBUTARY_SUPERVISED) throw new Error('no luck')\nexport const service",
    ),
  )
  await saidIt(/customers ended with status 1: it is started again when you save/)
  expect(said.match(/no luck/g)?.length).toBe(1)
  save(SERVICE, describing('begins'))
  await waitUntil('the mended code answers', async () => (await described()) === 'begins', LONG)
  await saidIt(RUNS)
}, 300_000)

test('a fault of types is shown with its place, and when it is mended that is said', async () => {
  showAllThatWasSaid()
  const text = textOf(ROUTES)
  save(ROUTES, `${text}export const wrong: string = 1\n`)
  const line = text.split('\n').length
  await saidIt(new RegExp(`types +\\| ${ROUTES}:${line} TS2322`))
  save(ROUTES, text)
  await saidIt('types are well again')
  await saidIt(RUNS)
}, 300_000)

test('one that was killed is followed by another, and Ctrl-C ends everything', async () => {
  showAllThatWasSaid()
  dev!.kill('SIGKILL')
  await once(dev!, 'exit')
  expect(await described(), 'the stack runs on').toBe('begins')
  dev = startDev()
  await saidIt('follows the files')
  const ended = once(dev, 'exit')
  dev.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  const processes = execFileSync('ps', ['-axww', '-o', 'command='], { encoding: 'utf8' })
  expect(processes.split('\n').filter((one) => one.includes(stack.home))).toEqual([])
  dev = undefined
}, 300_000)
