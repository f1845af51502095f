/** Files that say which process holds something, and that a power cut or a re-used pid can't make a liar of. */
import { execFileSync } from 'node:child_process'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

export interface Holder {
  readonly pid: number
  /** When it started, in the system's own words: the same pid at another time is another process. */
  readonly started: string
}

/** When a process started; undefined when there is none of that pid. Zombies count as gone. */
export function startOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  if (process.platform === 'linux') {
    try {
      // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the command's name stands in brackets and may hold any.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      return fields[0] === 'Z' ? undefined : `${boot}/${fields[19]}`
    } catch {
      return undefined
    }
  }
  try {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
    const said = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', env }).trim()
    return said.startsWith('Z') ? undefined : said.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}

/** The living process that a file names; undefined when there is no file, or who wrote it is gone. */
export function holderOf(file: string): Holder | undefined {
  const written = read(file)
  return written && startOf(written.pid) === written.started ? written : undefined
}

/**
 * Makes this process the holder, unless a living one is.
 * @returns undefined when it is ours now, else who holds it
 */
export function hold(file: string): Holder | undefined {
  const mine = `${file}.${process.pid}`
  writeFileSync(mine, JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? '' }), { mode: 0o644 })
  try {
    for (;;) {
      try {
        // Whole or not there: a link can't be seen half-written.
        linkSync(mine, file)
        return undefined
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = holderOf(file)
      if (holder) return holder
      takeAway(file, `${mine}.stale`)
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Ends the holding, when it is ours. */
export function release(file: string): void {
  if (read(file)?.pid === process.pid) rmSync(file, { force: true })
}

/** Of two who take away what a dead process left, the later one may catch the file of the faster one: it gives it back. */
function takeAway(file: string, aside: string): void {
  try {
    renameSync(file, aside)
    if (holderOf(aside)) linkSync(aside, file)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function read(file: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8'))
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined
  } catch {
    return undefined
  }
}
