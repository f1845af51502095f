import { styleText } from 'node:util'
import { printable, printableLines } from '#runtime/printable'
import { lineOf } from './log-line.ts'

/** Colours that are read on a dark ground and on a light one; red and yellow are for what is wrong. */
const COLOURS = [
  'cyan',
  'magenta',
  'blue',
  'green',
  'cyanBright',
  'magentaBright',
  'blueBright',
  'greenBright',
] as const

/** Where everything that is said becomes one stream of lines, each after the name of who says it. */
export interface Screen {
  /** A line of a process's log. */
  logged(name: string, line: string): void
  /** `dev` itself. */
  say(text: string): void
  /** Something is wrong with what was written. `who`: `dev`, `types`. */
  fault(who: string, text: string): void
  /** Something that was wrong is well again. */
  well(who: string, text: string): void
}

/**
 * Colours where the stream is a terminal and NO_COLOR isn't set.
 * @param names of the processes, which set the width of the first column
 */
export function openScreen(names: readonly string[], out: NodeJS.WriteStream = process.stdout): Screen {
  const all = ['dev', 'types', ...names]
  const width = Math.max(...all.map((name) => name.length))
  const paint = (format: Parameters<typeof styleText>[0], text: string) => styleText(format, text, { stream: out })
  const colourOf = (name: string) => COLOURS[all.indexOf(name) % COLOURS.length] ?? 'cyan'
  const print = (name: string, text: string) => {
    const head = `${paint(colourOf(name), name.padEnd(width))} ${paint('dim', '|')} `
    out.write(
      `${text
        .split('\n')
        .map((line) => `${head}${line}\n`)
        .join('')}`,
    )
  }
  return {
    logged(name, line) {
      const { level, text } = lineOf(line)
      const printed = printableLines(text)
      print(name, level === 'error' ? paint('red', printed) : level === 'warn' ? paint('yellow', printed) : printed)
    },
    say: (text) => print('dev', printableLines(text)),
    fault: (who, text) => print(who, paint('red', printableLines(text))),
    well: (who, text) => print(who, paint('green', printable(text))),
  }
}
