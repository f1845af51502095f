/** The registry doesn't have our schema of this record. */
export class SchemaNotRegistered extends Error {
  override readonly name = 'SchemaNotRegistered'
  constructor(record: string, why = 'is not registered in the form this program uses') {
    super(`schema "${record}" ${why}: run \`npx --no tributary schemas register\` against this registry`)
  }
}

/** A value that doesn't fit its registered schema. */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue'
  constructor(record: string, faults: readonly string[], options?: ErrorOptions) {
    super(`${record}: ${faults.length ? faults.join('; ') : String(options?.cause)}`, options)
  }
}

/** A schema id that wasn't learned yet, or that the registry doesn't know either. */
export class UnknownSchemaId extends Error {
  override readonly name = 'UnknownSchemaId'
  readonly id: number
  constructor(id: number) {
    super(`schema id ${id} is not known`)
    this.id = id
  }
}

/** Bytes that aren't a value in the registry's wire format. */
export class BadPayload extends Error {
  override readonly name = 'BadPayload'
  constructor(why: string, options?: ErrorOptions) {
    super(`payload can't be read: ${why}`, options)
  }
}
