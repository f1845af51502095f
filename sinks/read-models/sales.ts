import { paces, readModel } from 'tributary/read-models'
import { SalesRows } from '#schemas/topics.ts'

/** `day` is a date, so that it has a time axis; the document keeps its `YYYY-MM-DD`. */
export const sales = readModel(SalesRows, {
  hints: { day: { type: 'date', format: 'strict_date' } },
  pace: paces.sums,
})
