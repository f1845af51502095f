import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Memory } from './player.ts'

export interface Journal extends Memory {
  /** The entries in the order in which they were made. */
  entries(): string[]
  /** Forgets all. */
  clear(): void
  close(): void
}

/**
 * What was played, one id per line, in a file that only grows. It spares a later run the asking; it is never what
 * keeps duplicates away (the commands' keys are), so it isn't synced to disk: after a power cut it may lack the last
 * entries. A last line without its end was being written when the process died, and is dropped.
 */
export function openJournal(path: string): Journal {
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(path, 'a+', 0o600)
  const text = readFileSync(file, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) ftruncateSync(file, Buffer.byteLength(whole))
  const ids = new Set(whole.split('\n').slice(0, -1))
  return {
    has: (id) => ids.has(id),
    add: (id) => {
      ids.add(id)
      writeSync(file, `${id}\n`)
    },
    entries: () => [...ids],
    clear: () => {
      ids.clear()
      ftruncateSync(file, 0)
    },
    close: () => closeSync(file),
  }
}
