/** `make test`: every check and every test, one kind after the other; ends with the line `N passed, N failed`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const repository = join(import.meta.dirname, '..')
const programs = join(repository, 'node_modules', '.bin')
const env = { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH ?? ''}` }
const results = mkdtempSync(join(tmpdir(), 'tributary-results-'))
let passed = 0
let failed = 0
let skipped = 0
/** What failed, named once more at the very end: the whole output is long. */
const failures: string[] = []

function fail(what: string, messages: readonly string[] = []): void {
  failed++
  failures.push([what, ...messages.map((message) => message.replace(/^/gm, '    '))].join('\n'))
}

function run(program: string, args: readonly string[]): boolean {
  const { status, error } = spawnSync(program, args, { cwd: repository, env, stdio: 'inherit' })
  if (error) console.error(`${program} can't be run: ${error.message}`)
  return status === 0
}

function check(name: string, program: string, ...args: string[]): void {
  console.log(`\n── ${name}`)
  if (run(program, args)) passed++
  else fail(`${name}: ${program} ${args.join(' ')}`)
}

const resultsOf = (project: string) => join(results, `${project}.json`)
const vitest = (project: string, ...options: string[]) =>
  spawn(
    'vitest',
    [
      ...['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile=${resultsOf(project)}`],
      ...options,
    ],
    { cwd: repository, env, stdio: options.length > 0 ? 'pipe' : 'inherit' },
  )
const endOf = (child: ChildProcess) =>
  new Promise<boolean>((resolve) => child.on('error', () => resolve(false)).on('close', (code) => resolve(code === 0)))

async function tests(project: string): Promise<void> {
  console.log(`\n── tests: ${project}`)
  count(project, await endOf(vitest(project)))
}

/**
 * Tests that need no server, run while others wait for theirs, and after those where both want to. What they say is told
 * when they are awaited.
 */
function testsBeside(project: string): () => Promise<void> {
  const child = vitest(project, '--maxWorkers=1')
  if (child.pid) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  const said: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (some) => said.push(some))
  const ended = endOf(child)
  return async () => {
    const well = await ended
    console.log(`\n── tests: ${project}`)
    process.stdout.write(Buffer.concat(said))
    count(project, well)
  }
}

/** Adds up the results of a kind. @param well whether Vitest found all well */
function count(project: string, well: boolean): void {
  try {
    const report = JSON.parse(readFileSync(resultsOf(project), 'utf8'))
    passed += report.numPassedTests
    for (const file of report.testResults) {
      for (const test of file.assertionResults) {
        if (test.status === 'failed') fail(`${file.name}: ${test.fullName}`, test.failureMessages)
      }
    }
    skipped += report.numPendingTests + report.numTodoTests
    // A file that can't be loaded fails without a failed test of its own.
    if (!well && report.numFailedTests === 0) fail(`${project}: a test file could not be run`)
  } catch {
    fail(`${project}: the tests ended without a report`)
  }
}

const projects = process.argv.length > 2 ? process.argv.slice(2) : ['unit', 'int', 'e2e', 'guide']
if (process.argv.length === 2) {
  check('lint and format', 'biome', 'check', '.')
  check('types', 'tsc', '--noEmit')
  check('generated contracts', 'node', 'packages/tributary/tributary.ts', 'schemas', 'generate', '--check')
  check('generated compose file', 'node', 'packages/tributary/tributary.ts', 'compose', 'generate', '--check')
  check('generated reference', 'node', 'tests/docs/generate.ts', '--check')
}
const [first, ...others] = projects
const beside = first === 'unit' && others.length > 0 ? testsBeside(first) : undefined
if (!beside) await tests(first!)
for (const project of others) {
  await tests(project)
  if (project === others[0]) await beside?.()
}
rmSync(results, { recursive: true, force: true })

if (failures.length > 0) console.log(`\n── failed\n${failures.join('\n')}`)
if (skipped > 0) console.log(`\n${skipped} skipped (their reasons stand above)`)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
