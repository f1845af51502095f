import type { Api } from 'tributary/service'
import { z } from 'zod'
import { customerId, name, state, uniqueId, zip } from '#schemas/values.ts'
import { eraseCustomer, findCustomer, moveCustomer, registerCustomer } from './commands.ts'

const Address = z.strictObject({ zip, city: name, state })
const NewCustomer = z.strictObject({ customerId, uniqueId, ...Address.shape })
const params = z.object({ customerId })

export function customersRoutes(api: Api): void {
  api.post('/customers', {
    summary: 'Register a customer id',
    body: NewCustomer,
    status: 201,
    run: (trx, { body }) => registerCustomer(trx, body),
  })
  api.post('/customers/:customerId/move', {
    summary: 'Give a customer another address',
    params,
    body: Address,
    run: (trx, { params, body }) => moveCustomer(trx, params.customerId, body),
  })
  api.delete('/customers/:customerId', {
    summary: 'Erase a customer',
    params,
    run: (trx, { params }) => eraseCustomer(trx, params.customerId),
  })
  api.get('/customers/:customerId', {
    summary: 'A customer',
    params,
    run: (db, { params }) => findCustomer(db, params.customerId),
  })
}
