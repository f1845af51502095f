export { type EqualsSqlOptions, equalsSql } from './equals-sql.ts'
