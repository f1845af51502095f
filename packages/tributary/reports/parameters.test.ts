import { expect, test } from 'vitest'
import { BadParameter, parameters, parametersOf, readParameters } from './parameters.ts'
import { hires, report, tides } from './testing/boats.ts'

const takes = parametersOf(report, new Map([hires, tides].map((model) => [model.name, model])))
const list = (query: string) => readParameters(takes.list, `/api/reports/hires/documents?${query}`)

test('what is not given, or left empty in a form, is not asked for', () => {
  expect(list('from=&berth=&q=&page=')).toEqual({ values: {}, q: '', sort: 'latest', page: 0 })
  expect(readParameters(takes.report, '/api/reports/hires')).toEqual({})
  expect(readParameters(parametersOf({ id: 'bare', title: 'Bare', panels: [] }, new Map()).report, '/')).toEqual({})
})

test('text is taken as it is typed', () => {
  expect(list('berth=%C3%A3+%F0%9F%98%80%2B&q=%D7%A9')).toMatchObject({ values: { berth: 'ã 😀+' }, q: 'ש' })
  expect(readParameters(parameters.document, '?id=..%2F%25%3F%23')).toEqual({ id: '../%?#' })
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
  ['sort=random', 'sort', 'is one of latest, cheapest'],
  ['long=no', 'long', 'is “yes” or left out'],
  [`q=${'a+'.repeat(9)}`, 'q', 'more than 8 words'],
  [`berth=${'a'.repeat(401)}`, 'berth', 'more than 400 characters'],
  ['number=seven', 'number', 'is not a whole number'],
  ['number=9999999999999999999', 'number', 'is not a whole number'],
  ['when=2024-01-01', 'when', 'there is no such parameter'],
  ['form=2024-01-01', 'form', 'there is no such parameter'],
  ['__proto__=x', '__proto__', 'there is no such parameter'],
  ['constructor=x', 'constructor', 'there is no such parameter'],
  ['berth[]=x', 'berth[]', 'there is no such parameter'],
  ['berth=%ED%A0%80', 'berth', 'is not percent-encoded UTF-8'],
  ['berth=%', 'berth', 'is not percent-encoded UTF-8'],
  ['berth=a%00b', 'berth', 'contains the character U+0000'],
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
  expect(() => readParameters(parameters.document, '/api/documents/hires')).toThrow('id: is missing')
})
