import { paces, readModel } from '#read-models/read-model.ts'
import { CustomerRows } from '#schemas/topics.ts'

export const customers = readModel(CustomerRows, { pace: paces.sums })
