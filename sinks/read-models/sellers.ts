import { SellerRows } from '#schemas/topics.ts'
import { PACE_MS, readModel } from './read-model.ts'

export const sellers = readModel(SellerRows, { paceMs: PACE_MS.sums })
