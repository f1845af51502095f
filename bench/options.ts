import { parseArgs } from 'node:util'

/**
 * The numbers of a benchmark's command line, beside `--json` and options that are text.
 * Ends the process with a message when one isn't a number of at least 0.
 */
export function benchOptions<N extends string, T extends string = never>(
  numbers: Readonly<Record<N, number>>,
  texts: readonly T[] = [],
): Record<N, number> & Partial<Record<T, string>> & { readonly json: boolean } {
  const named = [...Object.keys(numbers), ...texts].map((name) => [name, { type: 'string' as const }])
  const { values } = parseArgs({ options: { ...Object.fromEntries(named), json: { type: 'boolean', default: false } } })
  const options: Record<string, unknown> = { ...numbers, ...values }
  for (const name of Object.keys(numbers)) {
    const value = Number(options[name])
    if (!(value >= 0)) {
      console.error(`--${name} ${options[name]}: a number is needed, 0 or more`)
      process.exit(2)
    }
    options[name] = value
  }
  return options as never
}
