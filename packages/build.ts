/**
 * Builds what is published, into .tributary/packages or another folder: the machine as JavaScript with declarations and source maps (Node
 * doesn't strip types below node_modules), the creator as it is, and a tarball of each.
 *
 *   node packages/build.ts [folder]
 */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const root = join(import.meta.dirname, '..')
const source = join(root, 'packages/tributary')
const built = resolve(process.argv[2] ?? join(root, '.tributary/packages'))
const tributary = join(built, 'tributary')

type Entries = Record<string, string>

// Only what an earlier run made: the folder may be anybody's.
for (const old of ['tributary', ...globSync('tributary-cdc-*.tgz', { cwd: built })]) {
  rmSync(join(built, old), { recursive: true, force: true })
}
run('node_modules/.bin/tsc', '-p', join(source, 'tsconfig.build.json'), '--outDir', tributary)
copyAssets()
writeFileSync(join(tributary, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
for (const file of ['LICENSE', 'README.md']) cpSync(join(root, file), join(tributary, file))
// Errors name pages of it.
cpSync(join(root, 'docs'), join(tributary, 'docs'), { recursive: true })
for (const folder of [tributary, join(root, 'packages/create')]) {
  run('npm', 'pack', folder, '--pack-destination', built, '--loglevel=error')
}

/** What isn't compiled lies beside what is, as it does in the sources. */
function copyAssets(): void {
  for (const file of globSync('**/*.{js,json,css,html,svg,xml,template}', { cwd: source })) {
    if (/^(package|tsconfig\.build)\.json$|\/testing\//.test(file)) continue
    mkdirSync(dirname(join(tributary, file)), { recursive: true })
    cpSync(join(source, file), join(tributary, file))
  }
}

/** The manifest of the sources, leading to JavaScript; the sources' own is private: as they are, nobody can run them from npm. */
function manifest(): object {
  const { private: _, ...own } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  const toJavaScript = (entries: Entries): Entries =>
    Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, path.replace(/\.ts$/, '.js')]))
  return { ...own, bin: toJavaScript(own.bin), exports: toJavaScript(own.exports), imports: toJavaScript(own.imports) }
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
}
