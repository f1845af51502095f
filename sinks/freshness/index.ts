export { freshnessSettings, NotSearchableYet, type WaitOptions, waitUntilSearchable } from './wait.ts'
