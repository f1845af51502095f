import type { Argument, Command, Option } from 'commander'

/** Every command that does something, by its words, as Markdown: what its `--help` says. */
export function commandsText(program: Command): string {
  const own = commandsBelow(program).flatMap(({ words, command }) => [
    `## ${words}`,
    '',
    sentence(command.description()),
    '',
    `\`${[words, ...usageOf(command)].join(' ')}\``,
    '',
    ...table([...command.registeredArguments.map(argumentRow), ...command.options.map(optionRow)]),
  ])
  return own.join('\n')
}

function commandsBelow(command: Command, words = command.name()): { words: string; command: Command }[] {
  return command.commands.flatMap((one) => {
    const its = `${words} ${one.name()}`
    // `processor <name>` runs one, `processor reset` is a command below it.
    const own = one.commands.length === 0 || one.registeredArguments.length > 0 ? [{ words: its, command: one }] : []
    return [...own, ...commandsBelow(one, its)]
  })
}

const usageOf = ({ options, registeredArguments }: Command): string[] => [
  ...registeredArguments.map(termOf),
  ...options.map((option) => (option.mandatory ? option.flags : `[${option.flags}]`)),
]

function termOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

const argumentRow = (argument: Argument) => [termOf(argument), argument.description] as const
const optionRow = ({ flags, description, defaultValue }: Option) =>
  [flags, `${defaultValue ?? ''}` === '' ? description : `${description} (default: ${defaultValue})`] as const

/** A row for each that there is something to say of. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const said = rows.filter(([, what]) => what !== '')
  if (said.length === 0) return []
  const cells = said.map(([term, what]) => `| \`${term}\` | ${what} |`.replaceAll(/(?<=\w)\|(?=\w)/g, '\\|'))
  return ['| | |', '| --- | --- |', ...cells, '']
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('?') ? '' : '.'}`
