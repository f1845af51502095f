import type { SecuredKafka } from '#runtime/kafka-at'

/** Kafka Connect's clients each take their settings from those with their prefix. */
const CLIENTS = ['', 'producer.', 'consumer.', 'admin.']

/** The variable with the login, as Java takes it. */
export const JAAS = 'KAFKA_SASL_JAAS_CONFIG'

/**
 * How a Connect worker enters a Kafka cluster: its settings, and the one variable with the secret, which its settings name.
 * @param caFile where the worker finds the CA's certificates
 */
export function connectSecurity(
  { tls, sasl }: SecuredKafka,
  caFile: string,
): { readonly settings: Readonly<Record<string, string>>; readonly env: Readonly<Record<string, string>> } {
  if (!tls && !sasl) return { settings: {}, env: {} }
  const one: Record<string, string> = {
    'security.protocol': sasl ? (tls ? 'SASL_SSL' : 'SASL_PLAINTEXT') : 'SSL',
    ...(tls?.ca !== undefined && { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': caFile }),
    ...(sasl && { 'sasl.mechanism': sasl.mechanism, 'sasl.jaas.config': `\${env:${JAAS}}` }),
  }
  return {
    settings: Object.fromEntries(
      CLIENTS.flatMap((prefix) => Object.entries(one).map(([name, value]) => [`${prefix}${name}`, value])),
    ),
    env: sasl ? { [JAAS]: jaasOf(sasl) } : {},
  }
}

function jaasOf({ mechanism, username, password }: NonNullable<SecuredKafka['sasl']>): string {
  const kind = mechanism === 'PLAIN' ? 'plain.Plain' : 'scram.Scram'
  const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
  return `org.apache.kafka.common.security.${kind}LoginModule required username=${quoted(username)} password=${quoted(password)};`
}
