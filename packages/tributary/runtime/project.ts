import { findProject, noProject } from './find-project.ts'

const found = findProject(process.cwd())
if (found === undefined) throw new Error(noProject(process.cwd()))

/** The folder of the project that this process works for. */
export const project = found
