import { type Command, InvalidArgumentError } from 'commander'
import { oneOf, positive } from '#runtime/arguments'
import { printable, printableLines } from '#runtime/printable'
import type { System } from '#system/system'
import { instant, ms } from './values.ts'

/** `tributary service`, `migrate`, `inbox …`, `outbox …` */
export function producersCommands(program: Command, system: System): void {
  const { services, domainTopics } = system
  const here = services.filter((name) => !system.elsewhere.includes(name))
  const serviceName = oneOf('service', services)
  const adopting = (name: string, before: string[] = []) => [...before, serviceName(name)]
  program
    .command('service')
    .description(`run a service: ${here.join(', ')}`)
    .argument('<name>', 'which one', oneOf('service that runs here', here))
    .action(async (name: string) => {
      const { runProcess } = await import('#runtime/main')
      const { runService } = await import('./run.ts')
      const { openCodecOf } = await import('#system/codec')
      await runProcess(name, async (log) => runService(await system.loadService(name), await openCodecOf(system), log))
    })

  program
    .command('migrate')
    .description("bring the services' databases up to date: logins, tables, outboxes, publications, slots, rights")
    .option('--adopt <service>', 'take its database as it is, with what is in it; may be repeated', adopting)
    .option('--sql', 'touch no server; print what a superuser runs once where the set-up may make no logins')
    .action(async ({ adopt = [], sql }: { adopt?: string[]; sql?: boolean }) => {
      const { migrate } = await import('#database/migrate')
      const { readMigrateSettings } = await import('#database/settings')
      const { throwFailed } = await import('#runtime/each')
      if (sql) {
        // The set-up fails until somebody has run it: the first `up` comes later.
        const { makeSecrets } = await import('#stack/environment')
        const { shapeOf } = await import('#stack/shape')
        await makeSecrets(shapeOf(system), process.env)
      }
      const settings = readMigrateSettings(services)
      if (sql) {
        const { setUpSql } = await import('#database/set-up-sql')
        return void process.stdout.write(setUpSql(services, settings, process.env.REGISTRY_DB_PASSWORD, adopt))
      }
      const migrated = await migrate(system, settings, adopt)
      for (const [service, steps] of migrated.done) {
        console.log(`${service}: ${steps.length === 0 ? 'up to date' : steps.join(', ')}`)
      }
      throwFailed(migrated)
    })
  program
    .command('republish')
    .description("publish events that rebuild every aggregate of a service's database; goes on where it was ended")
    .argument('<service>', 'which one', serviceName)
    .option('--only <kind>', 'only this kind of aggregate')
    .option('--rate <n>', 'aggregates a second, at most', positive, 500)
    .option('--anew', 'begin with the first aggregate, however far an earlier run came')
    .action(async (service: string, { only, rate, anew }: { only?: string; rate: number; anew?: boolean }) => {
      const { republishService } = await import('#outbox/republish')
      const { openCodecOf } = await import('#system/codec')
      const done = await republishService(await system.loadService(service), await openCodecOf(system), {
        only,
        rate,
        anew: anew ?? false,
        say: (line) => process.stderr.write(`${printable(`${service}: ${line}`)}\n`),
      })
      for (const [kind, count] of done) console.log(`${service}: ${count} of kind ${kind} published again`)
    })

  const outbox = program.command('outbox').description("the services' outboxes")

  outbox
    .command('resend')
    .description('send events again that never reached their topic, each with the later ones of its aggregate')
    .argument('<service>', 'which one', serviceName)
    .option('--since <time>', 'everything written since then, lost or not (RFC 3339), instead of comparing', time)
    .action(async (service: string, { since }: { since?: number }) => {
      const { resendLost } = await import('#outbox/resend')
      const { lost, written } = await resendLost(domainTopics.get(service)!, since)
      const which =
        since === undefined ? 'events never reached their topic' : `events since ${new Date(since).toISOString()}`
      console.log(`${service}: ${lost} ${which}; ${written} written to the outbox again, later ones included`)
    })

  outbox
    .command('maintain')
    .description('make partitions ahead and drop old ones that were delivered; the watch does this by itself')
    .action(async () => {
      const { maintainAll } = await import('#outbox/maintain')
      const { throwFailed } = await import('#runtime/each')
      const maintained = await maintainAll(domainTopics, Date.now())
      for (const [service, { made, dropped, kept, daysAhead }] of maintained.done) {
        console.log(
          `${service}: ${made.length} made, ${dropped.length} dropped, partitions for ${daysAhead} days ahead`,
        )
        for (const { partition, why, remedy } of kept) console.log(`  ${partition} stays: ${why}: ${remedy}`)
      }
      throwFailed(maintained)
    })

  program
    .command('rules')
    .description('what a value must be to come in: schemas/rules.json')
    .command('check')
    .description("name the rows in the services' databases that break today's rules; ends with 1 where there are any")
    .option('--json', 'machine-readable, one row a line')
    .action(async (options: { json?: boolean }) => {
      const { brokenRules } = await import('#database/check-rules')
      const { readVerifierLogin } = await import('#database/settings')
      let count = 0
      for await (const broken of brokenRules(services, readVerifierLogin())) {
        count++
        const { service, table, key, column, fault } = broken
        if (options.json) console.log(printable(JSON.stringify(broken)))
        else console.log(printable(`${service}: ${table} ${JSON.stringify(key)}, column ${column}: ${fault}`))
      }
      if (!options.json) console.log(count === 0 ? 'every row keeps the rules' : `${count} values break a rule`)
      if (count > 0) process.exitCode = 1
    })

  inboxCommands(program, system)
}

/** What people do about events that could not be handled. */
function inboxCommands(program: Command, system: System): void {
  const serviceName = oneOf('service that subscribes to others and runs here', system.subscribers)
  const openInbox = async (service: string) => {
    const { openInbox } = await import('#inbox/open')
    const { openCodecOf } = await import('#system/codec')
    return openInbox(await system.loadService(service), await openCodecOf(system))
  }
  const inbox = program
    .command('inbox')
    .description('events a service could not handle, and those that wait behind them')

  inbox
    .command('parked')
    .description('the keys that wait')
    .argument('<service>', 'which one', serviceName)
    .option('--json', 'machine-readable')
    .action(async (service: string, options: { json?: boolean }) => {
      await using context = await openInbox(service)
      const parked = await context.parked()
      if (options.json) return console.log(printableLines(JSON.stringify(parked, null, 2)))
      for (const { topic, key, events, reason, message, since } of parked) {
        const waits = `${events} waiting since ${since.toISOString()}`
        console.log(printable(`${topic}  ${key}  ${waits}  ${reason}: ${message}`))
      }
      console.log(`${parked.length} keys wait`)
    })

  inbox
    .command('replay')
    .description('handle what waits for a key, in order')
    .argument('<service>', 'which one', serviceName)
    .argument('<key>', 'as `inbox parked` names it')
    .action(async (service: string, key: string) => {
      await using context = await openInbox(service)
      for (const released of await context.replay(key)) console.log(`${released.topic}: ${released.replayed} replayed`)
    })

  inbox
    .command('drop')
    .description('drop the event that failed and replay those behind it')
    .argument('<service>', 'which one', serviceName)
    .argument('<key>', 'as `inbox parked` names it')
    .option('--all', 'drop those behind it, too')
    .action(async (service: string, key: string, options: { all?: boolean }) => {
      await using context = await openInbox(service)
      for (const { topic, dropped, replayed } of await context.drop(key, { all: options.all ?? false })) {
        console.log(`${topic}: ${dropped} dropped, ${replayed} replayed`)
      }
    })
}

/** By the rule of every door, in ms since 1970. */
function time(value: string): number {
  const parsed = instant.safeParse(value)
  if (parsed.success) return ms(parsed.data)
  throw new InvalidArgumentError(`It ${parsed.error.issues[0]!.message}.`)
}
