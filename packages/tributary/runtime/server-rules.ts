/** A fault of settings that are right each by itself. */
export interface RuleFault {
  readonly name: string
  /** Follows the name. */
  readonly what: string
}

type Given = Readonly<Record<string, string | undefined>>

/** Each names the setting it is about: it holds for whoever reads that one. */
const rules: readonly {
  readonly of: string
  readonly faults: (given: Given, read: ReadonlySet<string>) => readonly RuleFault[]
}[] = [
  { of: 'KAFKA_USERNAME', faults: kafkaFaults },
  ...['REGISTRY', 'CONNECT', 'ELASTICSEARCH'].map((prefix) => ({
    of: `${prefix}_USERNAME`,
    faults: (given: Given) => httpFaults(given, prefix),
  })),
  { of: 'ELASTICSEARCH_API_KEY', faults: apiKeyFaults },
  { of: 'POSTGRES_CA_FILE', faults: postgresFaults },
]

/** The faults of settings that don't fit each other, among those that are read. */
export function faultsBetween(read: ReadonlySet<string>, given: Given): RuleFault[] {
  return rules.filter(({ of }) => read.has(of)).flatMap(({ faults }) => faults(given, read))
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
  if (username && !speaksTls(given, 'KAFKA')) {
    const brokers = (given.KAFKA_BROKERS ?? '').split(',').map((broker) => broker.trim().replace(/:\d+$/, ''))
    found.push(...openFaults(given, 'KAFKA', 'KAFKA_USERNAME', brokers, 'KAFKA_TLS=on or KAFKA_CA_FILE'))
  }
  return found
}

function apiKeyFaults(given: Given): RuleFault[] {
  const [key, username] = ['ELASTICSEARCH_API_KEY', 'ELASTICSEARCH_USERNAME'] as const
  if (!given[key]) return []
  const both = given[username] ? [fault(key, `and ${username} are both set: choose one`)] : []
  return [...both, ...openHttpFaults(given, 'ELASTICSEARCH', key)]
}

function postgresFaults(given: Given, read: ReadonlySet<string>): RuleFault[] {
  const found = tlsFaults(given, 'POSTGRES')
  if (speaksTls(given, 'POSTGRES')) return found
  for (const name of read) {
    const url = given[name]
    if (!/^(\w+_)?POSTGRES_URL$/.test(name) || !url || !URL.canParse(url)) continue
    found.push(...openFaults(given, 'POSTGRES', name, [new URL(url).hostname], 'POSTGRES_TLS=on or POSTGRES_CA_FILE'))
  }
  return found
}

function httpFaults(given: Given, prefix: string): RuleFault[] {
  const url = given[`${prefix}_URL`] ?? ''
  const found = loginFaults(given, prefix)
  if (given[`${prefix}_USERNAME`]) found.push(...openHttpFaults(given, prefix, `${prefix}_USERNAME`))
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

const speaksTls = (given: Given, prefix: string) =>
  given[`${prefix}_TLS`] === 'on' || Boolean(given[`${prefix}_CA_FILE`])

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/

function openHttpFaults(given: Given, prefix: string, name: string): RuleFault[] {
  const url = given[`${prefix}_URL`] ?? ''
  if (!url.startsWith('http:') || !URL.canParse(url)) return []
  return openFaults(given, prefix, name, [new URL(url).hostname], `https: in ${prefix}_URL`)
}

/** A login that everybody on its way could read; nobody is on the way to this computer. */
function openFaults(given: Given, prefix: string, name: string, hosts: readonly string[], remedy: string): RuleFault[] {
  if (given[`${prefix}_INSECURE`] === 'on') return []
  const far = hosts.find((host) => host !== '' && !LOOPBACK.test(host))
  if (far === undefined) return []
  const what = name.endsWith('_URL')
    ? 'is entered with a password, and without TLS'
    : `is set, and ${far} is entered without TLS`
  return [fault(name, `${what}: ${remedy}, or, should nobody else be on the network between, ${prefix}_INSECURE=on`)]
}
