export { type EqualsSqlOptions, equalsSql } from './equals-sql.ts'
export type { Possible } from './histories.ts'
