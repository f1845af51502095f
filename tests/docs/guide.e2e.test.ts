import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultPorts } from './own-stack.ts'
import { coursePages } from './pages.ts'
import { bash, type Followed, follow, newLibrary, repository, type } from './project.ts'

let library: Followed
let serving: ChildProcess
let env: Record<string, string>
/** The ports that pages name, and where the stack has them. */
let ports: ReadonlyMap<string, string>

beforeAll(async () => {
  library = newLibrary('stack')
  for (const page of coursePages) for (const block of page.blocks) follow(library.folder, page, block)
  expect(await bash(library.folder, 'npx --no tributary schemas generate')).toMatchObject({ exit: 0 })
  serving = spawn('node', [join(repository, 'tests/serve.ts'), 'all'], {
    cwd: library.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: serving.stdout! })
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(serving, 'exit').then(() => Promise.reject(new Error('the stack of the guide was not started'))),
  ])
  env = JSON.parse(/'(.*)'/.exec(line)![1]!)
  ports = new Map(Object.entries(await defaultPorts(library.folder)).map(([name, port]) => [String(port), env[name]!]))
}, 900_000)

afterAll(async () => {
  if (serving?.exitCode === null) {
    serving.kill('SIGTERM')
    await once(serving, 'exit')
  }
  library?.remove()
})

const here = (code: string) =>
  code.replace(/\b(localhost|127\.0\.0\.1):(\d{5})\b/g, (_, host, port) => `${host}:${ports.get(port) ?? port}`)

test.each(coursePages.map((page) => [page.path, page] as const))(
  'what %s types while everything runs does what it says',
  async (_, page) => {
    for (const block of page.blocks) {
      if (block.kind === 'command' && block.stack) {
        await type(library.folder, page, { ...block, code: here(block.code) }, env)
      }
    }
  },
  120_000,
)
