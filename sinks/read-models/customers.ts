import { CustomerRows } from '#schemas/topics.ts'
import { PACE_MS, readModel } from './read-model.ts'

export const customers = readModel(CustomerRows, { paceMs: PACE_MS.sums })
