import { elasticsearchSettings, postgresSettings, readConfig, setting } from '#runtime/config.ts'
import { type ReadModelName, readModels } from '#schemas/topics.ts'
import { openElasticsearch } from '#sinks/elasticsearch/client.ts'
import { freshnessSettings, waitUntilSearchable } from '#sinks/freshness/wait.ts'
import { describe } from './report.ts'
import { verify } from './verify.ts'

/** What the command may be told. */
export interface VerifyCommandOptions {
  readonly json?: boolean
  /** Seconds. */
  readonly deadline: string
}

/** `tributary verify`. Gives the exit status: 0 when all is equal, 1 on any difference. */
export async function runVerify(name: string | undefined, options: VerifyCommandOptions): Promise<number> {
  const wanted = readModels.filter((model) => name === undefined || model === name) as readonly ReadModelName[]
  if (wanted.length === 0) throw new Error(`there is no read model "${name}": it is one of ${readModels.join(', ')}`)
  const config = readConfig({
    ...elasticsearchSettings,
    ...postgresSettings,
    ...freshnessSettings,
    VERIFY_DB_PASSWORD: setting.secret,
  })
  const client = openElasticsearch(config.ELASTICSEARCH_URL)
  try {
    const began = performance.now()
    const results = await verify({
      sources: { host: config.POSTGRES_HOST, port: config.POSTGRES_PORT, password: config.VERIFY_DB_PASSWORD },
      client,
      readModels: wanted,
      deadlineMs: Number(options.deadline) * 1000,
      waitUntilSearchable: () =>
        waitUntilSearchable({ freshnessUrl: config.FRESHNESS_URL, timeoutMs: Number(options.deadline) * 1000 }).then(
          () => true,
          () => false,
        ),
    })
    const equal = results.every((result) => result.differences.length === 0)
    if (options.json) console.log(JSON.stringify({ equal, readModels: results }, null, 2))
    else {
      console.log(describe(results))
      console.log(
        `${equal ? 'all equal' : 'NOT equal'}, verified in ${((performance.now() - began) / 1000).toFixed(1)} s`,
      )
    }
    return equal ? 0 : 1
  } finally {
    await client.close()
  }
}
