import type { Command } from 'commander'
import { fieldForm, keyForm } from './fields.ts'

/** Whether what was typed is `tributary add …`: it has to run where the config can't be loaded. */
export const isAdd = ([room]: readonly string[]): boolean => room === 'add'

const about = `Writes what a person would write first, and puts it into the files that name all of its kind. Everything is worked out
and checked before anything is written; what can't be added is refused, and no file is touched.`

/** `tributary add …`, which reads the project's files and doesn't need them to be loadable. */
export function addCommands(program: Command): void {
  const add = program.command('add').description('add a service, an event, a read model or a report to the project')
  add.addHelpText('after', `\n${about}`)

  add
    .command('service')
    .description('a service with a table, a command, and the event that it publishes')
    .argument('<name>', 'letters a to z and digits; also the name of its database and its topic')
    .option('--event <Name>', 'what its event is called (default: for `fines`, FineAdded)')
    .option('--key <name:type>', `what names one of them (${keyForm}; default: for \`fines\`, fineId:string)`)
    .action((name: string, options: { event?: string; key?: string }) =>
      adding(async (changes) => (await import('./service.ts')).addService(changes, name, options)),
    )

  add
    .command('event')
    .description('an event of a service; topologies that fold all of its events get a handler that keeps the row')
    .argument('<service>', 'whose event it is')
    .argument('<Name>', 'as in BookLent')
    .option('--field <name:type>', `a field besides those of its key; may be given again (${fieldForm})`, more, [])
    .option('--like <Event>', "keyed as this event of the service is (default: its topic's first)")
    .action((service: string, name: string, options: { field: string[]; like?: string }) =>
      adding(async (changes) => (await import('./event.ts')).addEvent(changes, service, name, options)),
    )

  add
    .command('read-model')
    .alias('topology')
    .description('a read model, the topology that keeps it, and the SQL it must equal: none of them is of use alone')
    .argument('<name>', 'letters a to z and digits; also the name of its topology')
    .requiredOption(
      '--from <services...>',
      "whose things are its rows; further ones are joined by the first one's fields",
    )
    .option('--event <Event>', "the event that a row begins with (default: the first topic's first)")
    .action((name: string, options: { from: string[]; event?: string }) =>
      adding(async (changes) => (await import('./read-model.ts')).addReadModel(changes, name, options)),
    )

  add
    .command('report')
    .description('a report: how many there are, by day and by kind')
    .argument('<name>', 'letters a to z and digits; also its address on the page')
    .requiredOption('--of <read-model>', 'what it shows')
    .action((name: string, options: { of: string }) =>
      adding(async (changes) => (await import('./report.ts')).addReport(changes, name, options)),
    )
}

const more = (value: string, values: readonly string[]): string[] => [...values, value]

async function adding(plan: (changes: import('./changes.ts').Changes) => Promise<string[]>): Promise<void> {
  const { Changes } = await import('./changes.ts')
  const { project } = await import('#runtime/project')
  const { writeAll } = await import('./write.ts')
  const changes = new Changes(project())
  const next = await plan(changes)
  const { created, changed, warning } = writeAll(changes)
  for (const path of created) console.log(`wrote    ${path}`)
  for (const path of changed) console.log(`changed  ${path}`)
  if (warning) console.log(`\n${warning}`)
  console.log(`\nnext\n${next.map((step) => `  ${step}`).join('\n')}`)
}
