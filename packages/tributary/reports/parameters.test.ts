import { expect, test } from 'vitest'
import { BadParameter, parameters, readParameters } from './parameters.ts'

const list = (query: string) => readParameters(parameters.list, `/api/orders?${query}`)

test('what is not given, or left empty in a form, is not asked for', () => {
  expect(list('from=&state=&q=&page=')).toEqual({ q: '', sort: 'newest', page: 0 })
  expect(readParameters(parameters.report, '/api/reports/sales')).toEqual({})
})

test('text is taken as it is typed', () => {
  expect(list('state=%C3%A3+%F0%9F%98%80%2B&q=%D7%A9')).toMatchObject({ state: 'ã 😀+', q: 'ש' })
  expect(readParameters(parameters.order, '?id=..%2F%25%3F%23')).toEqual({ id: '../%?#' })
})

test.each([
  ['from=2024-99-99', 'from', 'is not a date'],
  ['from=2023-02-29', 'from', 'is not a date'],
  ['from=0000-01-01', 'from', 'lies before the year 1'],
  ['to=%202024-01-01', 'to', 'is not a date'],
  ['from=2024-02-01&to=2024-01-01', 'to', 'lies before “from”'],
  ['from=2024-01-01&from=2024-01-01', 'from', 'is given twice'],
  ['page=-1', 'page', 'is not a page’s number'],
  ['page=1e3', 'page', 'is not a page’s number'],
  ['page=400', 'page', 'take all of it as CSV'],
  ['sort=random', 'sort', 'is one of newest, oldest, largest'],
  ['differs=no', 'differs', 'is “yes” or left out'],
  [`q=${'a+'.repeat(9)}`, 'q', 'more than 8 words'],
  [`state=${'a'.repeat(401)}`, 'state', 'more than 400 characters'],
  ['form=2024-01-01', 'form', 'there is no such parameter'],
  ['__proto__=x', '__proto__', 'there is no such parameter'],
  ['constructor=x', 'constructor', 'there is no such parameter'],
  ['state[]=x', 'state[]', 'there is no such parameter'],
  ['state=%ED%A0%80', 'state', 'is not percent-encoded UTF-8'],
  ['state=%', 'state', 'is not percent-encoded UTF-8'],
  ['state=a%00b', 'state', 'contains the character U+0000'],
])('%s is refused, and the parameter is named', (query, parameter, what) => {
  let fault: unknown
  try {
    list(query)
  } catch (error) {
    fault = error
  }
  expect(fault).toBeInstanceOf(BadParameter)
  expect(fault).toMatchObject({ status: 400, message: expect.stringContaining(`${parameter}: `) })
  expect((fault as Error).message).toContain(what)
})

test('an id that is missing is said to be missing', () => {
  expect(() => readParameters(parameters.order, '/api/order')).toThrow('id: is missing')
})
