import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

const LOOK_MS = 100
const PIECE = 65_536

export interface Followed {
  /** Follows further ones, too; those that are followed already go on. */
  follow(files: ReadonlyMap<string, string>): void
  stop(): void
}

/**
 * Follows files as they grow, as `tail -F` does: from their present ends, through their being put aside and begun anew.
 * @param files by name; they needn't be there yet
 * @param take is called with each whole line
 */
export function followFiles(files: ReadonlyMap<string, string>, take: (name: string, line: string) => void): Followed {
  const followed = new Map<string, Growing>()
  const follow = (more: ReadonlyMap<string, string>) => {
    for (const [name, path] of more) {
      if (followed.has(name)) continue
      const file = new Growing(path, (line) => take(name, line))
      file.skip()
      followed.set(name, file)
    }
  }
  follow(files)
  // Looking is two calls a file; what the system tells of changes differs from system to system.
  const timer = setInterval(() => {
    for (const one of followed.values()) one.look()
  }, LOOK_MS)
  return {
    follow,
    stop() {
      clearInterval(timer)
      for (const one of followed.values()) {
        one.look()
        one.close()
      }
    },
  }
}

class Growing {
  readonly #path: string
  readonly #take: (line: string) => void
  #file: number | undefined
  #at = 0
  #begun = ''
  #decoder = new StringDecoder('utf8')

  constructor(path: string, take: (line: string) => void) {
    this.#path = path
    this.#take = take
  }

  /** What is there already has been said. */
  skip(): void {
    if (this.#open()) this.#at = fstatSync(this.#file!).size
  }

  look(): void {
    if (this.#file === undefined && !this.#open()) return
    this.#read()
    if (this.#isPutAside()) {
      this.close()
      if (this.#open()) this.#read()
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #open(): boolean {
    try {
      this.#file = openSync(this.#path, 'r')
    } catch {
      return false
    }
    this.#at = 0
    this.#begun = ''
    this.#decoder = new StringDecoder('utf8')
    return true
  }

  #isPutAside(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false })
    return there !== undefined && there.ino !== fstatSync(this.#file!).ino
  }

  #read(): void {
    const piece = Buffer.allocUnsafe(PIECE)
    for (;;) {
      const length = readSync(this.#file!, piece, 0, PIECE, this.#at)
      if (length === 0) return
      this.#at += length
      const lines = (this.#begun + this.#decoder.write(piece.subarray(0, length))).split('\n')
      this.#begun = lines.pop() ?? ''
      for (const line of lines) this.#take(line)
    }
  }
}
