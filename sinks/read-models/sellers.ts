import { SellerRows } from '#schemas/topics.ts'
import { paces, readModel } from './read-model.ts'

export const sellers = readModel(SellerRows, { pace: paces.sums })
