import { findProject, noProject } from './find-project.ts'

/** By the folder it was looked for from. */
const found = new Map<string, string>()

/** The folder of the project that is worked for: the one that the current folder is in. Throws where there is none. */
export function project(): string {
  const from = process.cwd()
  const folder = found.get(from) ?? findProject(from)
  if (folder === undefined) throw new Error(noProject(from))
  found.set(from, folder)
  return folder
}
