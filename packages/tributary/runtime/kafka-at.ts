import type { KafkaConfig } from 'kafkajs'
import type { kafkaSettings, Settings, saslMechanisms } from './config.ts'

/** A cluster that is entered with TLS, a login, or both. */
export interface SecuredKafka {
  /** `host:port` of some of its brokers. */
  readonly brokers: readonly string[]
  /** `ca`: the certificates (PEM) that are trusted in place of the ones that Node brings. */
  readonly tls: { readonly ca?: string } | undefined
  readonly sasl:
    | {
        readonly mechanism: (typeof saslMechanisms)[number]
        readonly username: string
        readonly password: string
      }
    | undefined
}

/** Where a Kafka cluster is and how it is entered; a list of brokers alone: without TLS and login. */
export type KafkaAt = readonly string[] | SecuredKafka

/** The cluster that the settings name. */
export function kafkaAt(config: Settings<typeof kafkaSettings>): KafkaAt {
  const { KAFKA_BROKERS: brokers, KAFKA_TLS, KAFKA_CA_FILE: ca, KAFKA_SASL_MECHANISM: mechanism } = config
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = config
  const tls = KAFKA_TLS === 'on' || ca !== undefined ? { ...(ca !== undefined && { ca }) } : undefined
  const sasl = mechanism && username && password ? { mechanism, username, password } : undefined
  return tls || sasl ? { brokers, tls, sasl } : brokers
}

/** The same, whatever was given. */
export function securedKafka(at: KafkaAt): SecuredKafka {
  return 'brokers' in at ? at : { brokers: at, tls: undefined, sasl: undefined }
}

/** What every client of kafkajs is opened with: where the cluster is, and how it is entered. */
export function kafkaOptions(at: KafkaAt): Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'> & { brokers: string[] } {
  const { brokers, tls, sasl } = securedKafka(at)
  return {
    brokers: [...brokers],
    ...(tls && { ssl: tls.ca === undefined ? true : { ca: [tls.ca] } }),
    // It has a type for each mechanism.
    ...(sasl && { sasl: { ...sasl, mechanism: sasl.mechanism.toLowerCase() as 'plain' } }),
  }
}
