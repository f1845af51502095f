import { EngineError } from '../errors.ts'
import type { Node } from '../plan/nodes.ts'
import type { Plan } from '../plan/plan.ts'
import { resetRemedy } from './remedy.ts'

const FORM = '!form'
const READS = 'reads '

/** Grows whenever operators keep their state, or name its keys, in a way that they can't read from before. */
const VERSION = 2

/** What a topology's state is made of. */
export interface Form {
  readonly version: number
  /** What each operator keeps, by its name. */
  readonly operators: Readonly<Record<string, string>>
}

/** A changelog record. */
interface Change {
  readonly partition: number
  readonly key: string
  readonly value: string
}

/** The form of the state that a plan's operators keep. */
export function formOf({ nodes }: Plan): Form {
  return { version: VERSION, operators: Object.fromEntries(nodes.flatMap(entryOf)) }
}

function entryOf(node: Node): [name: string, what: string][] {
  switch (node.kind) {
    case 'evolve':
    case 'table':
      return [[node.name, `${READS}${node.topic.name}`]]
    case 'summarise': {
      const { sums, sets } = node.aggregates
      return [[node.name, `summarise ${sums.length} sums, ${sets.length} lists of values`]]
    }
    case 'foreignJoin':
    case 'sink':
      return [[node.name, node.kind]]
    case 'project':
    case 'flatMap':
    case 'join':
    case 'combine':
      return []
  }
}

/**
 * Of which form each partition's state is, kept beside it. State tells operators apart by name only: that of a topology that
 * was edited, or of an older engine, would be read as if it were of this one, and give wrong figures that nobody sees.
 */
export class StateForms {
  readonly #now: Form
  /** By partition; undefined: there is state, and it doesn't say. */
  readonly #kept = new Map<number, Form | undefined>()

  constructor(now: Form) {
    this.#now = now
  }

  /** Takes over a changelog record, whatever it is of; false when it isn't a form. */
  load(partition: number, key: string, value: string | null): boolean {
    if (key === FORM) this.#kept.set(partition, value === null ? undefined : (JSON.parse(value) as Form))
    else if (!this.#kept.has(partition)) this.#kept.set(partition, undefined)
    return key === FORM
  }

  /**
   * Throws `STATE_OF_ANOTHER_FORM` when a partition's state can't be gone on with: it was kept in another way, or an operator
   * would begin without what came before. What reads a topic that nothing had read begins at its beginning, and may be new.
   * @param command see `resetRemedy`
   */
  check({ app, command }: { readonly app: string; readonly command: string }): void {
    for (const kept of this.#kept.values()) {
      const fault = this.#faultOf(kept)
      if (fault === undefined) continue
      throw new EngineError(
        'STATE_OF_ANOTHER_FORM',
        `the state that "${app}" keeps can't be gone on with: ${fault}. ${resetRemedy(app, command)}`,
      )
    }
  }

  /** The records for partitions whose state an epoch changes, and for those whose form it isn't any more. */
  changes(changed: ReadonlySet<number>): Change[] {
    const value = JSON.stringify(this.#now)
    const outdated = [...this.#kept].flatMap(([partition, kept]) => (JSON.stringify(kept) === value ? [] : [partition]))
    const unknown = [...changed].filter((partition) => !this.#kept.has(partition))
    return [...outdated, ...unknown].map((partition) => ({ partition, key: FORM, value }))
  }

  /** What an epoch wrote is committed. */
  commit(changes: readonly Change[]): void {
    for (const { partition, key, value } of changes) this.load(partition, key, value)
  }

  /** Gives a partition up. */
  remove(partition: number): void {
    this.#kept.delete(partition)
  }

  #faultOf(kept: Form | undefined): string | undefined {
    const { version, operators } = this.#now
    if (kept?.version !== version) return 'it was written by another version of the engine'
    const read = new Set(Object.values(kept.operators))
    for (const [name, what] of Object.entries(operators)) {
      const before = kept.operators[name]
      if (before === what) continue
      if (before !== undefined) return `operator "${name}" was "${before}" and is "${what}"`
      if (what.startsWith(READS) && !read.has(what)) continue
      return `operator "${name}" (${what}) is new, and what came before isn't in it`
    }
    return undefined
  }
}
