import { readdirSync, readFileSync } from 'node:fs'

/** Bytes a process and its descendants take now, and took at most since each was started. */
export interface Memory {
  readonly now: number
  readonly peak: number
}

/** Memory of many processes by pid, each with its descendants unless `alone`. Empty where the system has no /proc. */
export function memoryOf(pids: Iterable<number>, { alone = false } = {}): Map<number, Memory> {
  const children = new Map<number, number[]>()
  for (const pid of alone ? [] : allPids()) {
    const parent = parentOf(pid)
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const measure = (pid: number, top: boolean): Memory | undefined => {
    const own = readStatus(pid)
    if (!own) return undefined
    // What a child shares with its parent (PostgreSQL's buffers) is counted with the parent only.
    const shared = top ? 0 : own.RssFile + own.RssShmem
    let [now, peak] = [own.VmRSS - shared, own.VmHWM - shared]
    for (const child of children.get(pid) ?? []) {
      const more = measure(child, false)
      now += more?.now ?? 0
      peak += more?.peak ?? 0
    }
    return { now, peak }
  }
  return new Map(
    [...pids].flatMap((pid) => {
      const memory = measure(pid, true)
      return memory ? [[pid, memory] as const] : []
    }),
  )
}

function allPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[1],
    )
  } catch {
    return undefined
  }
}

function readStatus(pid: number): Record<'VmRSS' | 'VmHWM' | 'RssFile' | 'RssShmem', number> | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
    return {
      VmRSS: bytes('VmRSS'),
      VmHWM: bytes('VmHWM'),
      RssFile: bytes('RssFile'),
      RssShmem: bytes('RssShmem'),
    }
  } catch {
    return undefined
  }
}
