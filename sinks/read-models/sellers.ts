import { paces, readModel } from 'tributary/read-models'
import { SellerRows } from '#schemas/topics.ts'

export const sellers = readModel(SellerRows, { pace: paces.sums })
