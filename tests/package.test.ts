import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtPackages } from './harness/built.ts'

const root = join(import.meta.dirname, '..')
const programs = join(root, 'node_modules/.bin')
/** Below the repository, so that what the package depends on is found in the repository's node_modules. */
const scratch = join(root, '.tributary', `package-test-${process.pid}`)
const project = join(scratch, 'a project')

function run(cwd: string, command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${programs}:${process.env.PATH}` },
  })
}

function unpack(tarball: RegExp, into: string): void {
  const file = readdirSync(join(scratch, 'built')).find((name) => tarball.test(name))!
  mkdirSync(into, { recursive: true })
  run(scratch, 'tar', '-xzf', join(scratch, 'built', file), '-C', into, '--strip-components=1')
}

beforeAll(() => {
  mkdirSync(scratch, { recursive: true })
  symlinkSync(builtPackages(), join(scratch, 'built'))
  unpack(/create-[\d.]+\.tgz$/, join(scratch, 'create'))
  run(scratch, 'node', join(scratch, 'create', 'create.js'), 'a project')
  // From the tarball, and no link: one would hide a file that isn't packed.
  unpack(/tributary-cdc-tributary-[\d.]+\.tgz$/, join(project, 'node_modules', 'tributary'))
}, 300_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test('a project that was just created is well typed against the packed package, and its tests pass', () => {
  expect(run(project, 'tsc', '--noEmit', '--singleThreaded')).toBe('')
  expect(run(project, 'vitest', 'run', '--project', 'unit')).toContain('5 passed')
}, 180_000)

// The template's docker-compose.yml is what `compose generate` writes in a created project: this fails when it is stale.
test('the packed command line runs the project, and finds what it generates up to date', () => {
  const tributary = join(project, 'node_modules/tributary/tributary.js')
  expect(run(project, 'node', tributary, 'schemas', 'generate', '--check')).toContain('up to date')
  expect(run(project, 'node', tributary, 'compose', 'generate', '--check')).toContain('up to date')
  expect(readFileSync(join(project, 'docker-compose.yml'), 'utf8')).toContain(
    ' node_modules/tributary/stack/healthy.js',
  )
  expect(run(project, 'node', tributary, 'topics', '--help')).toContain('tributary topics')
}, 60_000)

test('what an error names for more is in the project', () => {
  const tributary = join(project, 'node_modules/tributary/tributary.js')
  const env = {
    ...process.env,
    TRIBUTARY_HOME: join(scratch, 'home'),
    KAFKA_BROKERS: 'kafka.example:1',
    KAFKA_TLS: 'maybe',
  }
  const { stderr } = spawnSync('node', [tributary, 'status'], { cwd: project, encoding: 'utf8', env })
  expect(stderr).toContain('(see .env.example)')
  const other = { ...env, KAFKA_BROKERS: '', KAFKA_TLS: 'on' }
  const refused = spawnSync('node', [tributary, 'status'], { cwd: project, encoding: 'utf8', env: other }).stderr
  const [page] = /\S+own-servers\.md/.exec(refused.replaceAll('(', ' ')) ?? [refused]
  expect(existsSync(join(project, page))).toBe(true)
  const example = readFileSync(join(project, '.env.example'), 'utf8')
  const [guide] = /\S+own-servers\.md/.exec(example) ?? ['']
  expect(guide).toBe(page)
})

test('the new project depends on the package by its scoped name', () => {
  const { name, dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  expect([name, dependencies.tributary]).toEqual([
    'a-project',
    expect.stringMatching(/^npm:@tributary-cdc\/tributary@\^\d/),
  ])
})

test('its events and rows are in a namespace of its own name', () => {
  const generated = readFileSync(join(project, 'schemas/contracts.generated.ts'), 'utf8')
  const namespaces = [...generated.matchAll(/"namespace":"([^"]+)"/g)].map(([, namespace]) => namespace)
  expect(namespaces.toSorted()).toEqual(['a_project.loans', 'a_project.loans', 'a_project.members', 'a_project.rows'])
})

test("the project's image holds every folder that its packages and its own code lead to, and runs their Node", () => {
  const copied = readFileSync(join(project, 'Dockerfile'), 'utf8')
  const allowed = readFileSync(join(project, '.dockerignore'), 'utf8')
  const { imports } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  for (const path of Object.values<string>(imports)) {
    const folder = path.split('/')[1]
    expect(copied).toContain(`COPY ${folder} ./${folder}\n`)
    expect(allowed).toContain(`\n!${folder}\n`)
  }
  const bases = (text: string) => new Set(text.match(/^FROM \S+/gm))
  expect(bases(copied)).toEqual(bases(readFileSync(join(root, 'Dockerfile'), 'utf8')))
  expect(copied).toContain('ENTRYPOINT ["node", "node_modules/tributary/tributary.js"]')
})

test("a package that is no registry's can be named, from where the command is typed", () => {
  const tarball = readdirSync(join(scratch, 'built')).find((name) => name.startsWith('tributary-cdc-tributary-'))!
  const create = (...args: string[]) => run(scratch, 'node', join(scratch, 'create', 'create.js'), ...args)
  create('in/another', '--package', `file:built/${tarball}`)
  const { dependencies } = JSON.parse(readFileSync(join(scratch, 'in/another/package.json'), 'utf8'))
  expect(dependencies.tributary).toBe(`file:../../built/${tarball}`)
  expect(() => create('other', '--package', 'file:built/none.tgz')).toThrow(/there is no .*none\.tgz/)
  expect(readdirSync(scratch)).not.toContain('other')
})

test('a folder that has something in it is left alone', () => {
  const again = () => run(scratch, 'node', join(scratch, 'create', 'create.js'), 'a project')
  expect(again).toThrow(/isn't empty: give another folder/)
})
