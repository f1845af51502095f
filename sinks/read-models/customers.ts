import { CustomerRows } from '#schemas/topics.ts'
import { paces, readModel } from './read-model.ts'

export const customers = readModel(CustomerRows, { pace: paces.sums })
