/**
 * Writes the pages of docs/reference that follow from the code: commands, settings, the config.
 *
 *   node tests/docs/generate.ts            # writes them
 *   node tests/docs/generate.ts --check    # fails when one is stale
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingsText } from '../../packages/tributary/stack/settings-text.ts'
import { fieldsOf } from './interfaces.ts'
import { bash, newLibrary, repository } from './project.ts'

const WRITTEN = '<!-- Written by `node tests/docs/generate.ts`: change what it is made of, not this. -->'

async function commandsPage(): Promise<string> {
  const library = newLibrary('commands')
  const { exit, said } = await bash(library.folder, 'tributary commands')
  library.remove()
  if (exit !== 0) throw new Error(said)
  return `# Commands

${WRITTEN}

As \`npx --no tributary …\` in a project; here of the one that \`npm create\` makes. Each says the same with \`--help\`; \`--home <folder>\`
before a command is another stack's folder. What changes nothing may be typed at any time.

${said}`
}

function settingsPage(): string {
  return `# Settings

${WRITTEN}

A project's settings stand in \`.env\`; a variable of the shell wins over it. All of them have a default, and a bad value stops the command
with all faults at once. What the servers have to be like: [servers that are there already](../guide/own-servers.md).

${settingsText()}`
}

const source = (file: string) => readFileSync(join(repository, 'packages/tributary', file), 'utf8')

function configPage(): string {
  const section = (title: string, file: string, name: string) => {
    const { doc, fields } = fieldsOf(source(file), name)
    return [
      `## ${title}`,
      '',
      doc,
      '',
      '| field | type | |',
      '| --- | --- | --- |',
      ...fields.map(
        (field) =>
          `| \`${field.name}\`${field.optional ? '' : ' *'} | \`${field.type.replaceAll('|', '\\|')}\` | ${field.doc.replaceAll('|', '\\|')} |`,
      ),
      '',
    ]
  }
  return `# tributary.config.ts

${WRITTEN}

The value of \`defineSystem\` (\`tributary/system\`), exported by default. It is checked when it is loaded: all faults are named at once, each with
its place. Fields with a * have to be there.

${[
  ...section('defineSystem', 'system/definition.ts', 'SystemDefinition'),
  ...section('services: each', 'system/definition.ts', 'ServiceEntry'),
  ...section('topologies: each', 'system/definition.ts', 'TopologyEntry'),
  ...section('servers', 'stack/settings.ts', 'ServerSettings'),
  ...section('verify', 'verify/definition.ts', 'Verification'),
  ...section('verify.copied: each', 'verify/definition.ts', 'CopiedTable'),
  ...section('verify.readModels: each', 'verify/definition.ts', 'Recomputed'),
  ...section('demo', 'stack/shape.ts', 'Demo'),
].join('\n')}
What \`reports\` and \`documents\` are made of: [reports](reports.md). Topologies: [operators](dsl.md).
`
}

const pages: Readonly<Record<string, string>> = {
  'docs/reference/commands.md': await commandsPage(),
  'docs/reference/settings.md': settingsPage(),
  'docs/reference/config.md': configPage(),
}
const check = process.argv.includes('--check')
for (const [path, text] of Object.entries(pages)) {
  const file = join(repository, path)
  if (!check) writeFileSync(file, text)
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`${path} is stale: run \`node tests/docs/generate.ts\``)
    process.exitCode = 1
  } else console.log(`${path} is up to date`)
}
