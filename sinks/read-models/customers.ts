import { CustomerRows } from '#schemas/topics.ts'
import { readModel } from './read-model.ts'

export const customers = readModel(CustomerRows)
