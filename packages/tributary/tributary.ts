#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { findProject, noProject } from '#runtime/find-project'

const [first] = process.argv.slice(2)
if (first === '--version' || first === '-V') {
  const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))
  process.stdout.write(`${version}\n`)
} else if (findProject(process.cwd()) === undefined) {
  process.stderr.write(`tributary: ${noProject(process.cwd())}\n`)
  process.exitCode = 1
} else await import('./cli.ts')
