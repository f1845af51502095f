import type { ReadModel } from 'tributary/read-models'
import { customers } from './customers.ts'
import { orders } from './orders.ts'
import { sales } from './sales.ts'
import { sellers } from './sellers.ts'

export { customers, orders, sales, sellers }

/** Every read model the sink keeps. */
export const readModels: readonly ReadModel[] = [orders, sales, customers, sellers]
