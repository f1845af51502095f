import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { commandLine } from './leftovers.ts'
import { refuseUnusablePath, writable } from './paths.ts'
import type { Places } from './places.ts'
import { hold, release } from './supervisor/holder.ts'

/** Says that a folder is a home: `clean` deletes nothing without it. */
const MARK = '.tributary-home'

/** Makes the home folder. Throws when the folder holds something else. */
export function ensureHome(places: Places): void {
  const mark = join(places.home, MARK)
  refuseUnusablePath('TRIBUTARY_HOME', places.home)
  refuseForeign(places.home, mark)
  mkdirSync(places.home, { recursive: true, mode: 0o755 })
  if (existsSync(mark)) return
  if (readdirSync(places.home).length > 0) {
    throw new Error(`TRIBUTARY_HOME=${places.home} holds other files: choose a folder that is empty or doesn't exist`)
  }
  writeFileSync(mark, 'Data, logs and secrets of a tributary stack. `make clean` deletes this folder.\n')
}

/** Data that another user's servers wrote isn't ours to run servers on, not even as root. */
function refuseForeign(home: string, mark: string): void {
  const me = userInfoOr(process.getuid?.())
  const owner = statOr(mark)?.uid
  if (owner !== undefined && me !== undefined && owner !== me.uid) {
    throw new Error(
      `TRIBUTARY_HOME=${home} is the home of another user's stack (uid ${owner}; you are ${me.name}, uid ${me.uid}): run this as that user, or choose another folder`,
    )
  }
  if (!writable(home)) {
    throw new Error(`TRIBUTARY_HOME=${home} isn't writable for ${me?.name ?? 'you'}: choose a folder that is`)
  }
}

function userInfoOr(uid: number | undefined): { name: string; uid: number } | undefined {
  if (uid === undefined) return undefined
  try {
    return { name: userInfo().username, uid }
  } catch {
    // A uid that no user has: common in containers.
    return { name: `uid ${uid}`, uid }
  }
}

function statOr(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/** Deletes the home with everything in it. */
export function removeHome(places: Places): void {
  if (!existsSync(join(places.home, MARK))) {
    if (existsSync(places.home))
      throw new Error(`${places.home} is not a tributary home (it lacks ${MARK}): nothing was deleted`)
    return
  }
  for (const folder of [places.indices, places.data, places.supervisor, places.home]) {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs `work` while no other command changes this home. Throws when one does, naming it. */
export async function withLock<T>(places: Places, work: () => Promise<T>): Promise<T> {
  const file = join(places.home, 'lock')
  const other = hold(file)
  if (other) {
    throw new Error(`another command is changing ${places.home}: pid ${other.pid} (${commandLine(other.pid)})`)
  }
  try {
    return await work()
  } finally {
    release(file)
  }
}

const selectionFile = (places: Places) => join(places.home, 'selection.json')

/** Which processes the last `up` was asked for; undefined = all. */
export function readSelection(places: Places): readonly string[] | undefined {
  try {
    return JSON.parse(readFileSync(selectionFile(places), 'utf8')) ?? undefined
  } catch {
    return undefined
  }
}

export function writeSelection(places: Places, only: readonly string[] | undefined): void {
  writeFileSync(selectionFile(places), JSON.stringify(only ?? null))
}
