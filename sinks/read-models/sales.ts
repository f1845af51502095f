import { SalesRows } from '#schemas/topics.ts'
import { readModel } from './read-model.ts'

/** `day` is a date, so that it has a time axis; the document keeps its `YYYY-MM-DD`. */
export const sales = readModel(SalesRows, { day: { type: 'date', format: 'strict_date' } })
