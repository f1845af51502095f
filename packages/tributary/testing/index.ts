export {
  type DrivenFailure,
  type DriveOptions,
  Driver,
  drive,
  type EventFor,
  type GivenEvent,
} from '../engine/testing/drive.ts'
export { waitUntil } from './wait-until.ts'
