import { paces, readModel } from '#read-models/read-model.ts'
import { SellerRows } from '#schemas/topics.ts'

export const sellers = readModel(SellerRows, { pace: paces.sums })
