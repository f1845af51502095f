import { basename, dirname, extname, relative, sep } from 'node:path'

/** A reason why the project can't be loaded. */
export interface Fault {
  /** `file:line` or `file`, relative to the project; undefined where it isn't known. */
  readonly place: string | undefined
  readonly message: string
  /** The one service that it keeps from loading; undefined where it is the whole project. */
  readonly service?: string
}

/** The steps between the servers and the project's own processes, by what `tributary` calls them. */
export type SetUpName = 'migrate' | 'topics apply' | 'schemas register' | 'connectors apply'

/** A project as it is when it is loaded: its modules, and what they come to. Plain data; files are absolute. */
export interface Project {
  /** The file that exports the system. */
  readonly config: string
  /** The files that each module imports. What lies in node_modules is left out. */
  readonly imports: Readonly<Record<string, readonly string[]>>
  /** Modules that the config imports for some processes alone, with those processes. */
  readonly owners: Readonly<Record<string, readonly string[]>>
  /** What each process loads beside the config. Its keys are the names of all processes of the project's own. */
  readonly roots: Readonly<Record<string, readonly string[]>>
  readonly services: readonly string[]
  /** Those of them that no process of ours runs. */
  readonly elsewhere: readonly string[]
  readonly topologies: readonly string[]
  /** Changes when a step has something to do again. */
  readonly setUp: Readonly<Record<SetUpName, string>>
}

/** The modules that a process is made of. */
export function modulesOf({ config, imports, owners, roots }: Project, process: string): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (file: string): void => {
    if (found.has(file)) return
    found.add(file)
    for (const next of imports[file] ?? []) if (!(file === config && isAnothers(next))) visit(next)
  }
  const isAnothers = (file: string) => owners[file] !== undefined && !owners[file].includes(process)
  for (const file of [config, ...(roots[process] ?? [])]) visit(file)
  return found
}

/**
 * The processes that changed files concern. A module concerns those that load it; another file (SQL, JSON, a template)
 * those that load a module of its folder, or of the nearest folder above that has some; one in `schemas/` all.
 * @param root the project's folder
 */
export function concernedBy(project: Project, root: string, files: Iterable<string>): ReadonlySet<string> {
  const everybody = Object.keys(project.roots)
  const modules = new Map(everybody.map((name) => [name, modulesOf(project, name)]))
  const known = new Set([...Object.keys(project.imports), ...Object.values(project.imports).flat(), project.config])
  const folders = new Set([...known].map(dirname))

  const concerned = new Set<string>()
  for (const file of files) {
    if (!known.has(file) && (isModule(file) || !isOfAProcess(file, root))) continue
    if (!known.has(file) && roomOf(file, root) === 'schemas') {
      for (const name of everybody) concerned.add(name)
      continue
    }
    const folder = nearest(folders, dirname(file), root)
    for (const [name, loaded] of modules) {
      const concerns = known.has(file) ? loaded.has(file) : [...loaded].some((one) => dirname(one) === folder)
      if (concerns) concerned.add(name)
    }
  }
  return concerned
}

const isModule = (file: string) => /\.[cm]?[jt]s$/.test(file)

/** Schemas become a module and connectors are another server's: both have a step of their own. */
const isOfAProcess = (file: string, root: string) =>
  ['schemas', 'producers', 'processors', 'sinks'].includes(roomOf(file, root)) &&
  !['.avsc', '.md'].includes(extname(file))

/** The top folder that a file is in. */
export const roomOf = (file: string, root: string): string => relative(root, file).split(sep)[0]!

function nearest(folders: ReadonlySet<string>, from: string, root: string): string | undefined {
  for (let folder = from; folder !== root && folder !== dirname(folder); folder = dirname(folder)) {
    if (folders.has(folder)) return folder
  }
  return undefined
}

/** Whether a file is nobody's: an editor's scratch file, a hidden one. `.env` is no such. */
export function isOutside(file: string): boolean {
  const name = basename(file)
  return name !== '.env' && /^\.|^4913$|~$|\.(sw[a-z]|tmp|bak)$|^#.*#$/.test(name)
}

/** Two states of a project in one: while a part of it can't be loaded, what it was made of before still counts. */
export function joined(before: Project, now: Project): Project {
  const union = (one: Project['imports'], other: Project['imports']) =>
    Object.fromEntries(
      [...new Set([...Object.keys(one), ...Object.keys(other)])].map((key) => [
        key,
        [...new Set([...(one[key] ?? []), ...(other[key] ?? [])])],
      ]),
    )
  return { ...now, imports: union(before.imports, now.imports), roots: union(before.roots, now.roots) }
}
