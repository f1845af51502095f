import { SellerRows } from '#schemas/topics.ts'
import { readModel } from './read-model.ts'

export const sellers = readModel(SellerRows)
