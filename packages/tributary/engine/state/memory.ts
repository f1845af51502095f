import { escaped, SEPARATOR } from './keys.ts'
import type { EncodedChange, StateStore, StoreOptions } from './store.ts'

/** Decoded rows kept per store and generation; a store holds up to twice as many. */
const DECODED_ROWS = 256

const nothing: readonly EncodedChange[] = []

/**
 * State in memory. Rows are held as JSON text: one flat string each, which the garbage collector needn't look into,
 * and which is what the changelog gets. The rows used last are also kept decoded.
 */
export class MemoryStore implements StateStore {
  readonly name: string
  readonly #rows = new Map<string, string>()
  readonly #dirty = new Map<string, unknown>()
  #encoded: EncodedChange[] | undefined
  #young = new Map<string, unknown>()
  #old = new Map<string, unknown>()
  /** Second parts by first part; a lone one isn't worth a set. */
  readonly #parts: Map<string, string | Set<string>> | undefined

  constructor(name: string, options: StoreOptions = {}) {
    this.name = name
    this.#parts = options.scannable ? new Map() : undefined
  }

  get size(): number {
    return this.#rows.size
  }

  keys(): Iterable<string> {
    return this.#rows.keys()
  }

  get(key: string): unknown {
    const dirty = this.#dirty.get(key)
    if (dirty !== undefined || this.#dirty.has(key)) return dirty
    return this.before(key)
  }

  before(key: string): unknown {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) {
      this.#remember(key, old)
      return old
    }
    const text = this.#rows.get(key)
    if (text === undefined) return undefined
    const row: unknown = JSON.parse(text)
    this.#remember(key, row)
    return row
  }

  put(key: string, row: unknown): void {
    this.#dirty.set(key, row)
    if (this.#parts) this.#index(key)
  }

  delete(key: string): void {
    this.#dirty.set(key, undefined)
  }

  *scan(first: string, when: 'now' | 'before' = 'now'): Iterable<string> {
    if (!this.#parts) throw new Error(`store "${this.name}" was not opened as scannable`)
    const prefix = escaped(first)
    const parts = this.#parts.get(prefix)
    if (parts === undefined) return
    for (const part of typeof parts === 'string' ? [parts] : parts) {
      const key = prefix + SEPARATOR + part
      if ((when === 'now' ? this.get(key) : this.before(key)) !== undefined) yield key
    }
  }

  changes(): readonly EncodedChange[] {
    if (this.#encoded) return this.#encoded
    if (this.#dirty.size === 0) return nothing
    const changes: EncodedChange[] = []
    for (const [key, row] of this.#dirty) {
      const was = this.#rows.get(key)
      if (row === undefined) {
        if (was !== undefined) changes.push([key, null])
      } else {
        const text = JSON.stringify(row)
        if (text !== was) changes.push([key, text])
      }
    }
    this.#encoded = changes
    return changes
  }

  commit(): void {
    if (this.#dirty.size === 0) return
    for (const [key, value] of this.changes()) {
      if (value === null) this.#rows.delete(key)
      else this.#rows.set(key, value)
    }
    for (const [key, row] of this.#dirty) {
      if (row === undefined) this.#forget(key)
      else this.#remember(key, row)
    }
    this.#clear()
  }

  rollback(): void {
    for (const key of this.#dirty.keys()) if (!this.#rows.has(key)) this.#unindex(key)
    this.#clear()
  }

  load(key: string, value: string | null): void {
    if (value === null) {
      this.#rows.delete(key)
      this.#forget(key)
    } else {
      this.#rows.set(key, value)
      if (this.#parts) this.#index(key)
    }
  }

  #clear(): void {
    this.#dirty.clear()
    this.#encoded = undefined
  }

  #remember(key: string, row: unknown): void {
    if (this.#young.size >= DECODED_ROWS) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, row)
  }

  #forget(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
    this.#unindex(key)
  }

  #index(key: string): void {
    const at = key.indexOf(SEPARATOR)
    if (at < 0 || !this.#parts) return
    const prefix = key.slice(0, at)
    const part = key.slice(at + 1)
    const parts = this.#parts.get(prefix)
    if (parts === undefined) this.#parts.set(prefix, part)
    else if (typeof parts !== 'string') parts.add(part)
    else if (parts !== part) this.#parts.set(prefix, new Set([parts, part]))
  }

  #unindex(key: string): void {
    const at = key.indexOf(SEPARATOR)
    if (at < 0 || !this.#parts) return
    const prefix = key.slice(0, at)
    const parts = this.#parts.get(prefix)
    if (parts === undefined) return
    if (typeof parts === 'string') {
      if (parts === key.slice(at + 1)) this.#parts.delete(prefix)
      return
    }
    parts.delete(key.slice(at + 1))
    if (parts.size === 0) this.#parts.delete(prefix)
  }
}
