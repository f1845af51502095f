#!/usr/bin/env node
import { findProject, noProject } from '#runtime/find-project'

if (findProject(process.cwd()) === undefined) {
  process.stderr.write(`tributary: ${noProject(process.cwd())}\n`)
  process.exitCode = 1
} else await import('./cli.ts')
