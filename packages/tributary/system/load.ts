import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CONFIG } from '#runtime/find-project'
import { project } from '#runtime/project'
import type { System } from './system.ts'

/** The system of the project this process works for. Throws what its config throws, and when it exports none. */
export async function loadSystem(): Promise<System> {
  const file = join(project(), CONFIG)
  const { default: system } = (await import(pathToFileURL(file).href)) as { readonly default?: System }
  if (!system?.loadService) throw new Error(`${file} must export the value of defineSystem(…) by default`)
  return system
}
