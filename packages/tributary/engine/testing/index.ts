export { type DrivenFailure, type DriveOptions, Driver, drive, type EventFor, type GivenEvent } from './drive.ts'
