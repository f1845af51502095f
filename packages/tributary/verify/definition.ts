import type { Document } from '#read-models/document'

/** A service's table that is copied to where verification works. */
export interface CopiedTable {
  /** Whose it is. */
  readonly service: string
  /** Its name. */
  readonly table: string
  /** Its columns as the temporary table of this name has them, with commas between. */
  readonly columns: string
}

/** How a read model's documents are recomputed from the services' rows. */
export interface Recomputed {
  /**
   * A query over the copied tables that gives a `key` and a `document` for each. A key that is a record of values is
   * written by `pg_temp.record_key(jsonb_build_object('day', day, …))`.
   */
  readonly sql: URL
  /** The services whose rows it needs. */
  readonly of: readonly string[]
  /** Whole numbers at the top of its documents whose sums are shown; a name that ends in `Cents` is shown in units. */
  readonly totals?: readonly string[]
}

/** What the read models should be, said once more in SQL. */
export interface Verification {
  /** The SQL that makes the temporary tables. */
  readonly tables: URL
  /** Which tables are copied. */
  readonly copied: readonly CopiedTable[]
  /** By the read model's name. */
  readonly readModels: Readonly<Record<string, Recomputed>>
  /**
   * A read model whose documents count into those of others: where a dead letter holds up one of them, what it counts into
   * differs for the same reason.
   */
  readonly counted?: {
    readonly readModel: string
    /** Whether a document of it counts into a document of another read model. */
    into(readModel: string, counted: Document, document: Document): boolean
  }
}
