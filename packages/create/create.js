#!/usr/bin/env node
// npm create @tributary-cdc <name>: a project in a new folder. Runs on any Node.js from 20 on, before there is another.
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = fileURLToPath(new URL('.', import.meta.url))

const usage = `usage: npm create @tributary-cdc <folder> [-- --package <what>]

Makes a project of two services, a topology that joins them, a read model, a report and tests in a new folder. Its events are
named after the folder: ferries.loans.BookLent.

  --package <what>  where tributary comes from, as package.json says it: npm:@somebody/tributary@1, or file:<tarball>
                    (default: npm:@tributary-cdc/tributary, of the creator's own version)`

let given
try {
  given = parseArgs({
    options: { package: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
} catch (error) {
  fail(`${error.message}\n\n${usage}`)
}
const [folder, ...rest] = given.positionals
if (given.values.help) {
  console.log(usage)
} else if (!folder || rest.length > 0) {
  fail(usage)
} else {
  create(resolve(folder), given.values.package)
}

function create(target, source) {
  const name = basename(target)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  if (name === '') fail(`a project can't be named after "${basename(target)}": give a folder with letters in its name`)
  if (existsSync(target) && readdirSync(target).length > 0)
    fail(`${target} is there and isn't empty: give another folder`)
  const from = packageFrom(source, target)
  const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  cpSync(join(here, 'template'), target, { recursive: true })
  // npm keeps these two names for itself when it packs.
  renameSync(join(target, '_gitignore'), join(target, '.gitignore'))
  renameSync(join(target, '_package.json'), join(target, 'package.json'))
  edit(join(target, 'README.md'), (text) => text.replaceAll('{{name}}', name))
  const namespace = namespaceOf(name)
  const schemas = readdirSync(join(target, 'schemas'), { recursive: true }).filter((path) => /\.(avsc|ts)$/.test(path))
  for (const path of schemas) {
    edit(join(target, 'schemas', path), (text) => text.replace(/("namespace": ?")library\./g, `$1${namespace}.`))
  }
  edit(join(target, 'package.json'), (text) => {
    const manifest = JSON.parse(text)
    manifest.name = name
    manifest.dependencies.tributary = from ?? `npm:@tributary-cdc/tributary@^${version}`
    return `${JSON.stringify(manifest, null, 2)}\n`
  })
  chmodSync(join(target, '.ci', 'run'), 0o755)
  console.log(`made ${target}

  cd ${/\s/.test(folder) ? `'${folder}'` : folder}
  make up      # starts everything; the first time it downloads the servers
  make test

README.md says what is where.`)
}

/** What the names of events begin with: the project's, as Avro's names are written. */
function namespaceOf(name) {
  return name.replaceAll('-', '_').replace(/^(?=\d)/, '_')
}

function edit(path, change) {
  writeFileSync(path, change(readFileSync(path, 'utf8')))
}

/** A tarball is found from the folder in which the command was typed; npm looks from the project's own. */
function packageFrom(source, target) {
  const file = source?.match(/^file:(.*)$/)?.[1]
  if (file === undefined) return source
  if (!existsSync(file)) fail(`--package ${source}: there is no ${resolve(file)}`)
  return `file:${relative(target, resolve(file))}`
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
