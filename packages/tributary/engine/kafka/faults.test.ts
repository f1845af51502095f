import { expect, test } from 'vitest'
import { brokerFault } from './cluster.ts'
import { faultOf, finalFaults, isInfrastructure } from './faults.ts'

/** Every code of the protocol that the client library knows, by name. */
function everyFault(): ReadonlyMap<string, Error> {
  const faults = new Map<string, Error>()
  for (let code = 1; code < 200; code++) {
    try {
      const error = brokerFault(code)
      faults.set(faultOf(error), error)
    } catch {
      // No code of the protocol.
    }
  }
  return faults
}

test('what a broker answers is tried again, but for what the same attempt would not change', () => {
  const faults = everyFault()
  expect(faults.size).toBeGreaterThan(120)
  const final = [...faults].filter(([, error]) => !isInfrastructure(error)).map(([fault]) => fault)
  expect(final.sort()).toEqual(Object.keys(finalFaults).sort())
})

test.each([
  ['a producer id that the broker forgot in a week without work', 'INVALID_PRODUCER_ID_MAPPING'],
  ['a transaction that the broker ended by itself', 'INVALID_TXN_STATE'],
  ['a producer whose epoch a later one took', 'INVALID_PRODUCER_EPOCH'],
  ['the same, told by a newer broker', 'PRODUCER_FENCED'],
  ['a producer that the broker does not know', 'UNKNOWN_PRODUCER_ID'],
  ['numbers that do not follow one another', 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  ['a transaction that can only be aborted', 'TRANSACTION_ABORTABLE'],
  ['a disk that fails', 'KAFKA_STORAGE_ERROR'],
])('%s: another producer is opened (%s)', (_, fault) => {
  expect(isInfrastructure(everyFault().get(fault))).toBe(true)
})

test('a fault of the program is none of the broker', () => {
  expect(isInfrastructure(new TypeError('x is not a function'))).toBe(false)
})
