import { expect, test } from 'vitest'
import { kafkaSettings, readConfig, setting } from './config.ts'

test('all faults are listed at once, each with its variable', () => {
  const shape = {
    ...kafkaSettings,
    ORDERS_PORT: setting.port,
    REGISTRY_URL: setting.url,
    ORDERS_DB_PASSWORD: setting.secret,
  }
  const env = { KAFKA_BROKERS: 'nowhere', ORDERS_PORT: '99999', REGISTRY_URL: 'not a url' }
  expect(() => readConfig(shape, env)).toThrow(
    /4 faults[\s\S]*KAFKA_BROKERS="nowhere" is not a list of host:port[\s\S]*ORDERS_PORT="99999" is above 65535[\s\S]*REGISTRY_URL="not a url"[\s\S]*ORDERS_DB_PASSWORD is missing/,
  )
})

test('a password is never shown', () => {
  const shape = { X_PASSWORD: setting.secret.max(2, 'is too long') }
  expect(() => readConfig(shape, { X_PASSWORD: 'hunter2' })).toThrow(/X_PASSWORD is too long/)
  expect(() => readConfig(shape, { X_PASSWORD: 'hunter2' })).not.toThrow(/hunter2/)
})

test('defaults fill what is not set, and an empty variable counts as not set', () => {
  expect(readConfig(kafkaSettings, { KAFKA_BROKERS: '' })).toEqual({ KAFKA_BROKERS: ['127.0.0.1:19092'] })
})
