import { paces, readModel } from 'tributary/read-models'
import { CustomerRows } from '#schemas/topics.ts'

export const customers = readModel(CustomerRows, { pace: paces.sums })
