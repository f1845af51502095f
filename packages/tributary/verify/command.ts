import { readVerifierLogin } from '#database/settings'
import { freshnessSettings, waitUntilSearchable } from '#freshness/wait'
import { elasticsearchSettings, kafkaSettings, postgresSettings, readConfig, setting } from '#runtime/config'
import { readOpenLetters } from '#runtime/dead-letters/follow'
import { kafkaAt } from '#runtime/kafka-at'
import { printable, printableLines } from '#runtime/printable'
import { elasticsearchAt, openElasticsearch } from '#sink/client'
import type { Verification } from './definition.ts'
import { describe } from './report.ts'
import { isEqual, type Verified, verify } from './verify.ts'

/** What the command may be told. */
export interface VerifyCommandOptions {
  readonly json?: boolean
  /** Seconds. */
  readonly deadline: number
}

/** What there is to verify, and where what was set aside is said. */
export interface VerifiedSystem {
  /** In the first one's database the verifier may make temporary tables. */
  readonly services: readonly string[]
  readonly readModels: readonly { readonly name: string }[]
  readonly deadLetterTopics: ReadonlyMap<string, string>
  readonly verification: Verification
}

/** `tributary verify`. Gives the exit status: 0 when all was compared and is equal, else 1. */
export async function runVerify(
  { services, readModels, deadLetterTopics, verification }: VerifiedSystem,
  name: string | undefined,
  options: VerifyCommandOptions,
): Promise<number> {
  const config = readConfig({
    ...elasticsearchSettings,
    ...kafkaSettings,
    ...postgresSettings,
    ...freshnessSettings,
    VERIFY_DB_PASSWORD: setting.secret,
  })
  const client = openElasticsearch(elasticsearchAt(config))
  try {
    const began = performance.now()
    const results = await verify({
      verification,
      sources: {
        loginOf: readVerifierLogin(),
        home: services[0]!,
      },
      client,
      readModels: name === undefined ? readModels.map((model) => model.name) : [name],
      openLetters: async () => {
        try {
          const { open, unread } = await readOpenLetters(kafkaAt(config), deadLetterTopics, 'tributary-verify')
          for (const [app, topic] of unread)
            console.error(`the dead letters of ${app} aren't known: topic "${topic}" doesn't exist`)
          return [...open.values()].flat()
        } catch (error) {
          const why = (error as Error).message
          console.error(printable(`open dead letters aren't known, so none of them explains a difference: ${why}`))
          return []
        }
      },
      deadlineMs: options.deadline * 1000,
      waitUntilSearchable: () =>
        waitUntilSearchable({ freshnessUrl: config.FRESHNESS_URL, timeoutMs: options.deadline * 1000 }).then(
          () => true,
          () => false,
        ),
    })
    const equal = results.every(isEqual)
    if (options.json) console.log(printableLines(JSON.stringify({ equal, readModels: results }, plainly, 2)))
    else {
      console.log(describe(results))
      console.log(
        `${equal ? 'all equal' : verdict(results)}, verified in ${((performance.now() - began) / 1000).toFixed(1)} s`,
      )
    }
    return equal ? 0 : 1
  } finally {
    await client.close()
  }
}

function verdict(results: readonly Verified[]): string {
  if (results.some(({ differences }) => differences.length > 0)) return 'NOT equal'
  if (results.some(({ failure }) => failure !== undefined)) return 'NOT compared, not all of it'
  return 'equal but for what is set aside as dead letters'
}

/** Sums are exact: where JSON's readers would round a number it is a text. */
function plainly(_: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
}
