export {
  describeExcepted,
  type Excepted,
  freshnessSettings,
  NotSearchableYet,
  type WaitOptions,
  waitUntilSearchable,
} from './wait.ts'
