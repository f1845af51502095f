/** A fault of settings that are right each by itself. */
export interface RuleFault {
  readonly name: string
  /** Follows the name. */
  readonly what: string
}

type Given = Readonly<Record<string, string | undefined>>

/** Each names the setting it is about: it holds for whoever reads that one. */
const rules: readonly { readonly of: string; readonly faults: (given: Given) => readonly RuleFault[] }[] = [
  { of: 'KAFKA_USERNAME', faults: kafkaFaults },
  ...['REGISTRY', 'CONNECT', 'ELASTICSEARCH'].map((prefix) => ({
    of: `${prefix}_USERNAME`,
    faults: (given: Given) => httpFaults(given, prefix),
  })),
  {
    of: 'ELASTICSEARCH_API_KEY',
    faults: ({ ELASTICSEARCH_API_KEY: key, ELASTICSEARCH_USERNAME: username }) =>
      key && username ? [fault('ELASTICSEARCH_API_KEY', 'and ELASTICSEARCH_USERNAME are both set: choose one')] : [],
  },
  { of: 'POSTGRES_CA_FILE', faults: (given) => tlsFaults(given, 'POSTGRES') },
]

/** The faults of settings that don't fit each other, among those that are read. */
export function faultsBetween(read: ReadonlySet<string>, given: Given): RuleFault[] {
  return rules.filter(({ of }) => read.has(of)).flatMap(({ faults }) => faults(given))
}

const fault = (name: string, what: string): RuleFault => ({ name, what })

function kafkaFaults(given: Given): RuleFault[] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: username } = given
  const found = [...loginFaults(given, 'KAFKA'), ...tlsFaults(given, 'KAFKA')]
  if (username && !mechanism) {
    found.push(
      fault('KAFKA_SASL_MECHANISM', 'is missing, and KAFKA_USERNAME is set: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512'),
    )
  }
  if (mechanism && !username) found.push(fault('KAFKA_USERNAME', 'is missing, and KAFKA_SASL_MECHANISM is set'))
  return found
}

function httpFaults(given: Given, prefix: string): RuleFault[] {
  const url = given[`${prefix}_URL`] ?? ''
  const found = loginFaults(given, prefix)
  if (given[`${prefix}_CA_FILE`] && !url.startsWith('https:')) {
    found.push(fault(`${prefix}_CA_FILE`, `is set, and ${prefix}_URL doesn't begin with https:`))
  }
  return found
}

function loginFaults(given: Given, prefix: string): RuleFault[] {
  const [username, password] = [`${prefix}_USERNAME`, `${prefix}_PASSWORD`]
  if (Boolean(given[username]) === Boolean(given[password])) return []
  const [is, not] = given[username] ? [username, password] : [password, username]
  return [fault(not, `is missing, and ${is} is set`)]
}

function tlsFaults(given: Given, prefix: string): RuleFault[] {
  if (!given[`${prefix}_CA_FILE`] || given[`${prefix}_TLS`] !== 'off') return []
  return [fault(`${prefix}_TLS`, `is off, and ${prefix}_CA_FILE is set: leave out one of them`)]
}
