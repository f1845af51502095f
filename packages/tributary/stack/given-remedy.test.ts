import { expect, test } from 'vitest'
import { withRemedy } from './given-remedy.ts'

test.each([
  ['KAFKA', 'SASL PLAIN authentication failed: Authentication failed', /: see KAFKA_SASL_MECHANISM, KAFKA_USERNAME/],
  ['KAFKA', 'Connection error: unable to verify the first certificate', /: see KAFKA_CA_FILE$/],
  ['KAFKA', 'ERR_SSL_WRONG_VERSION_NUMBER', /: see KAFKA_TLS and KAFKA_CA_FILE$/],
  ['POSTGRES', 'password authentication failed for user "set_up"', /: see POSTGRES_USER and POSTGRES_PASSWORD/],
  ['POSTGRES', 'The server does not support SSL connections', /: see POSTGRES_TLS and POSTGRES_CA_FILE$/],
  ['POSTGRES', 'no pg_hba.conf entry for host "::1", user "a", database "b", no encryption', /: see POSTGRES_TLS/],
  ['POSTGRES', 'DEPTH_ZERO_SELF_SIGNED_CERT', /: see POSTGRES_CA_FILE$/],
  [
    'ELASTICSEARCH',
    'security_exception Root causes: unable to authenticate user [a]',
    /: see ELASTICSEARCH_API_KEY, or/,
  ],
  ['REGISTRY', 'answers 401', /: see REGISTRY_USERNAME and REGISTRY_PASSWORD$/],
  ['CONNECT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', /: see CONNECT_CA_FILE$/],
  ['CONNECT', 'EPROTO', /: see http: or https: in CONNECT_URL$/],
])('%s: what is wrong with "%s" is said with the settings to look at', (prefix, reason, said) => {
  expect(withRemedy(prefix, reason)).toMatch(said)
})

test('what no setting is behind stays as it is', () => {
  expect(withRemedy('KAFKA', 'nothing answers on its port')).toBe('nothing answers on its port')
})
