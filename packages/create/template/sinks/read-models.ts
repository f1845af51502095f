import { readModel } from 'tributary/read-models'
import { LoanRows } from '#schemas/topics.ts'

export const loans = readModel(LoanRows)
