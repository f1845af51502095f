import type { Command } from 'commander'
import { readServer } from '#database/settings'
import { oneOf } from '#runtime/arguments'
import { httpAt } from '#runtime/http-at'
import { kafkaAt } from '#runtime/kafka-at'
import { printable, printableLines } from '#runtime/printable'
import type { System } from '#system/system'

/** `tributary connectors …` */
export function connectorsCommands(program: Command, system: System): void {
  const { services, domainTopics } = system
  const connectors = program.command('connectors').description("what carries the outboxes' rows to the topics")

  connectors
    .command('apply')
    .description('make the connectors what connectors/outbox.json says, resume them, wait until they run')
    .action(async () => {
      const { connectSettings, kafkaSettings, readConfig } = await import('#runtime/config')
      const { applyConnectors, awaitRunning, ensureHeartbeatTopics } = await import('./apply.ts')
      const { describeDrift, wantedConnectors } = await import('./configuration.ts')
      const { connectAt } = await import('./connect.ts')
      const { throwFailed } = await import('#runtime/each')
      const config = readConfig({ ...connectSettings, ...kafkaSettings })
      const connect = connectAt(httpAt('CONNECT', config))
      await ensureHeartbeatTopics(kafkaAt(config), services)
      const each = await applyConnectors(connect, wantedConnectors(services, readServer))
      const applied = [...each.done.values()]
      for (const { connector, change, drift, resumed } of applied) {
        if (change !== 'unchanged') console.log(`${connector}: ${change}`)
        if (resumed) console.log(`${connector}: resumed`)
        for (const each of drift) console.log(printable(`  ${describeDrift(each)}`))
      }
      await awaitRunning(connect, [...each.done.keys()])
      throwFailed(each)
      const changed = applied.filter(({ change }) => change !== 'unchanged').length
      console.log(`${applied.length} connectors run, ${changed} of them new or changed`)
    })

  connectors
    .command('status')
    .description('do they run, and are they what the file says? Fails when not')
    .option('--json', 'machine-readable')
    .action(async (options: { json?: boolean }) => {
      const { connectSettings, readConfig } = await import('#runtime/config')
      const { connectAt } = await import('./connect.ts')
      const { connectorStates, describeState } = await import('./status.ts')
      const { wantedConnectors } = await import('./configuration.ts')
      const connect = connectAt(httpAt('CONNECT', readConfig(connectSettings)), 5_000)
      const states = await connectorStates(connect, wantedConnectors(services, readServer))
      if (options.json) console.log(printableLines(JSON.stringify(states, null, 2)))
      else for (const state of states) console.log(printableLines(describeState(state)))
      if (states.some((state) => !state.running || state.drift.length > 0)) process.exitCode = 1
    })

  connectors
    .command('restart')
    .description('restart connectors and their tasks')
    .argument('[names...]', 'which (default: all)')
    .option('--failed', 'only what has failed')
    .action(async (names: string[], options: { failed?: boolean }) => {
      const { connectSettings, readConfig } = await import('#runtime/config')
      const { connectAt } = await import('./connect.ts')
      const { wantedConnectors } = await import('./configuration.ts')
      const known = [...wantedConnectors(services).keys()]
      const unknown = names.filter((name) => !known.includes(name))
      if (unknown.length > 0) program.error(`there is no connector "${unknown[0]}": there are ${known.join(', ')}`)
      const connect = connectAt(httpAt('CONNECT', readConfig(connectSettings)))
      const { eachOnItsOwn, throwFailed } = await import('#runtime/each')
      const each = await eachOnItsOwn(names.length > 0 ? names : known, async (name) => {
        await connect.restart(name, { onlyFailed: options.failed ?? false })
        console.log(`${name}: restarting`)
      })
      throwFailed(each)
    })

  connectors
    .command('recover')
    .description("make a service's connector read again whatever became of its slot, and send the events it missed")
    .argument('<service>', `which one: ${services.join(', ')}`, oneOf('service', services))
    .action(async (service: string) => {
      const { connectSettings, kafkaSettings, readConfig } = await import('#runtime/config')
      const { readSuperuser } = await import('#database/settings')
      const { connectAt } = await import('./connect.ts')
      const { recover } = await import('./recover.ts')
      const config = readConfig({ ...connectSettings, ...kafkaSettings })
      const { lost } = await recover(domainTopics.get(service)!, {
        connect: connectAt(httpAt('CONNECT', config)),
        brokers: kafkaAt(config),
        superuser: readSuperuser()(service),
        say: (line) => console.log(printable(line)),
      })
      for (const { id, type, key, at } of lost) console.log(printable(`  ${at}  ${type} of "${key}", event ${id}`))
      const what =
        lost.length === 0 ? 'no event of the outbox was missing' : `${lost.length} lost events were sent again`
      console.log(`${service}: ${what}`)
    })

  connectors
    .command('watch')
    .description(
      'restart failed tasks, measure slots, make outbox partitions ahead and drop old ones; runs until stopped',
    )
    .action(async () => {
      const { runProcess } = await import('#runtime/main')
      const { runWatch } = await import('#watch/watch')
      await runProcess('watch', (log) => runWatch(system, log))
    })
}
