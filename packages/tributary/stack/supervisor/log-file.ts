import { type FileHandle, open, rename } from 'node:fs/promises'

export interface LogBounds {
  /** A file that would become larger than this, bytes, is put aside and a new one begun. */
  readonly largest: number
  /** How many files there are at most: `x.log`, `x.log.1`, … */
  readonly files: number
  /** What may wait for the disk, bytes; what comes beyond that is lost. */
  readonly waiting: number
}

const BOUNDS: LogBounds = { largest: 20_000_000, files: 3, waiting: 1_000_000 }

/**
 * A log file of bounded size that never holds up who writes to it. What can't be written (the disk is full, or slower
 * than the process talks) is dropped, and the file says how much was lost as soon as it can be written again.
 */
export class LogFile {
  readonly #path: string
  readonly #bounds: LogBounds
  #file: FileHandle | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #lost = 0
  #why = ''
  #writing: Promise<void> | undefined

  constructor(path: string, bounds: Partial<LogBounds> = {}) {
    this.#path = path
    this.#bounds = { ...BOUNDS, ...bounds }
  }

  /** Returns at once. */
  write(said: Uint8Array): void {
    if (this.#waitingBytes + said.length > this.#bounds.waiting) {
      this.#lose(said.length, 'it said more than could be written')
      return
    }
    this.#waiting.push(said)
    this.#waitingBytes += said.length
    this.#writing ??= this.#writeAll()
  }

  /** A line of the supervisor's own, with the time. */
  note(text: string): void {
    this.write(Buffer.from(`${new Date().toISOString()} [supervisor] ${text}\n`))
  }

  /** When everything that waits is written or lost. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file?.close().catch(() => {})
    this.#file = undefined
  }

  async #writeAll(): Promise<void> {
    // One turn later: a process that says many small things is written down at once.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const said = Buffer.concat(this.#waiting)
      this.#waiting = []
      this.#waitingBytes = 0
      try {
        await this.#append(said)
      } catch (error) {
        this.#lose(said.length, (error as Error).message)
        await this.#file?.close().catch(() => {})
        this.#file = undefined
      }
    }
    this.#writing = undefined
  }

  async #append(said: Buffer): Promise<void> {
    this.#file ??= await open(this.#path, 'a', 0o640)
    const { size, nlink } = await this.#file.stat()
    if (nlink === 0 || (size > 0 && size + said.length > this.#bounds.largest)) {
      await this.#file.close()
      this.#file = undefined
      if (nlink > 0) await this.#putAside()
      this.#file = await open(this.#path, 'a', 0o640)
    }
    if (this.#lost > 0) {
      await this.#file.appendFile(`[supervisor] ${this.#lost} bytes are missing here: ${this.#why}\n`)
      this.#lost = 0
    }
    await this.#file.appendFile(said)
  }

  async #putAside(): Promise<void> {
    for (let age = this.#bounds.files - 1; age > 0; age--) {
      const younger = age === 1 ? this.#path : `${this.#path}.${age - 1}`
      await rename(younger, `${this.#path}.${age}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    }
  }

  #lose(bytes: number, why: string): void {
    this.#lost += bytes
    this.#why = why
  }
}
