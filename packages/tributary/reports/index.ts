export type { Condition, Format, Measure, Panel, Report, Split } from './report.ts'
