#!/usr/bin/env node
// npm create @tributary-cdc <name>: a project in a new folder. Runs on any Node.js from 20 on, before there is another.
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

const usage = `usage: npm create @tributary-cdc <folder>

Makes a project of two services, a topology that joins them, a read model, a report and tests in a new folder.`

const [folder, ...rest] = process.argv.slice(2)
if (folder === '--help' || folder === '-h') {
  console.log(usage)
} else if (!folder || rest.length > 0 || folder.startsWith('-')) {
  fail(usage)
} else {
  create(resolve(folder))
}

function create(target) {
  const name = basename(target)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  if (name === '') fail(`a project can't be named after "${basename(target)}": give a folder with letters in its name`)
  if (existsSync(target) && readdirSync(target).length > 0)
    fail(`${target} is there and isn't empty: give another folder`)
  const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  cpSync(join(here, 'template'), target, { recursive: true })
  // npm keeps these two names for itself when it packs.
  renameSync(join(target, '_gitignore'), join(target, '.gitignore'))
  renameSync(join(target, '_package.json'), join(target, 'package.json'))
  for (const file of ['package.json', 'README.md']) {
    const path = join(target, file)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('{{name}}', name).replaceAll('{{version}}', version))
  }
  chmodSync(join(target, '.ci', 'run'), 0o755)
  console.log(`made ${target}

  cd ${/\s/.test(folder) ? `'${folder}'` : folder}
  make up      # starts everything; the first time it downloads the servers
  make test

README.md says what is where.`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
