/** What is wrong with entering a server, by what its client says: the first that fits. */
const kinds: readonly { readonly says: RegExp; readonly look: (prefix: string) => string }[] = [
  {
    says: /certificate|issuer|self.signed|altname|CERT_|_SIGNATURE/i,
    look: (prefix) => `the certificate isn't trusted for that name: see ${prefix}_CA_FILE`,
  },
  {
    says: /\bSSL\b|\bTLS\b|ERR_SSL|EPROTO|wrong version number|encryption/i,
    look: (prefix) =>
      TCP.has(prefix)
        ? `one side speaks TLS and the other doesn't: see ${prefix}_TLS and ${prefix}_CA_FILE`
        : `one side speaks TLS and the other doesn't: see http: or https: in ${prefix}_URL`,
  },
  {
    says: /authenticat|authoriz|SASL|answers 40[13]\b|security_exception|pg_hba\.conf|permission denied/i,
    look: (prefix) => `see ${LOGINS[prefix] ?? `${prefix}_USERNAME and ${prefix}_PASSWORD`}`,
  },
]

const TCP = new Set(['KAFKA', 'POSTGRES'])

const LOGINS: Readonly<Record<string, string>> = {
  KAFKA: 'KAFKA_SASL_MECHANISM, KAFKA_USERNAME and KAFKA_PASSWORD',
  ELASTICSEARCH: 'ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD',
  POSTGRES: 'POSTGRES_USER and POSTGRES_PASSWORD (or those of the service)',
}

/**
 * Why a server can't be entered, with the settings to look at.
 * @param prefix of the server's settings: `KAFKA`
 * @param reason what its client says
 */
export function withRemedy(prefix: string, reason: string): string {
  const kind = kinds.find(({ says }) => says.test(reason))
  return kind ? `${reason}: ${kind.look(prefix)}` : reason
}
