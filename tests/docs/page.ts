import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * A page of the documentation as what it makes a reader do. What a code block is for stands behind its language:
 *
 *     ts, json … file=<path>    the file, whole
 *     diff file=<path>          an edit of it: lines as they are, `-` lines that go, `+` lines that come
 *     json … part-of=<path>     an excerpt: the file has these lines
 *     ts                        a snippet, checked by the compiler behind the page's `ts setup` blocks (since the last
 *                               `ts setup anew`)
 *     sh                        typed in the project, without servers; `exits=<code>` where it isn't to succeed
 *     sh stack                  typed while everything runs
 *     text                      what the block before it says, `…` for anything
 *     … not-run="<reason>"      nothing of these
 *
 * Blocks in HTML comments are the same to the tests, and hidden from readers.
 */
export type Block =
  | { readonly kind: 'write' | 'edit' | 'excerpt'; readonly line: number; readonly code: string; readonly file: string }
  | { readonly kind: 'snippet' | 'not-run'; readonly line: number; readonly code: string }
  | { readonly kind: 'setup'; readonly line: number; readonly code: string; readonly anew: boolean }
  | {
      readonly kind: 'command'
      readonly line: number
      readonly code: string
      readonly stack: boolean
      readonly exits: number
      /** What it says; undefined where the page doesn't show it. */
      readonly says?: string
    }

export interface Page {
  /** From the repository: `docs/guide/event.md`. */
  readonly path: string
  readonly name: string
  /** What its snippets are checked against. */
  readonly project: 'library' | 'marketplace'
  readonly blocks: readonly Block[]
  /** Blocks that say not what they are for: `docs/start.md:12`. */
  readonly unmarked: readonly string[]
}

const FENCE = /^(`{3,})(\w*)(.*)$/

/** Reads a page. @param repository the folder that its path is from */
export function readPage(repository: string, path: string): Page {
  const text = readFileSync(join(repository, path), 'utf8')
  return { path, name: basename(path, '.md'), ...parsePage(path, text) }
}

/** What a page's text has. @param path for what is said of it */
export function parsePage(path: string, text: string): Pick<Page, 'project' | 'blocks' | 'unmarked'> {
  const lines = text.split('\n')
  const blocks: Block[] = []
  const unmarked: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const [, fence, language, info] = FENCE.exec(lines[at]!) ?? []
    if (fence === undefined) continue
    const end = lines.indexOf(fence, at + 1)
    if (end < 0) throw new Error(`${path}:${at + 1}: the code block has no end`)
    const code = `${lines.slice(at + 1, end).join('\n')}\n`
    const block = blockOf(language!, info!, at + 1, code)
    const before = blocks.at(-1)
    if (block) blocks.push(block)
    else if (language === 'text' && before?.kind === 'command' && before.says === undefined)
      blocks[blocks.length - 1] = { ...before, says: code }
    else unmarked.push(`${path}:${at + 1}`)
    at = end
  }
  return { project: /^<!-- project: marketplace -->$/m.test(text) ? 'marketplace' : 'library', blocks, unmarked }
}

function blockOf(language: string, info: string, line: number, code: string): Block | undefined {
  const value = (name: string) => new RegExp(`(?:^| )${name}=(?:"([^"]+)"|(\\S+))`).exec(info)?.slice(1).find(Boolean)
  const says = (word: string) => info.trim().split(' ').includes(word)
  if (value('not-run')) return { kind: 'not-run', line, code }
  const file = value('file')
  if (file) return { kind: language === 'diff' ? 'edit' : 'write', line, code, file }
  const whole = value('part-of')
  if (whole) return { kind: 'excerpt', line, code, file: whole }
  if (language === 'ts' && says('setup')) return { kind: 'setup', line, code, anew: says('anew') }
  if (language === 'ts') return { kind: 'snippet', line, code }
  if (language === 'sh')
    return { kind: 'command', line, code, stack: says('stack'), exits: Number(value('exits') ?? 0) }
  return undefined
}

/**
 * A text after an edit. Throws when the lines that the edit says are there aren't, or more than once.
 * @param edit lines with ` `, `-` or `+` in front; parts that stand apart are divided by lines that begin with `@@`
 */
export function applyEdit(text: string, edit: string): string {
  return edit.split(/^@@.*\n/m).reduce((before, part) => {
    const lines = part.split('\n').slice(0, -1)
    if (lines.length === 0) return before
    const side = (without: string) =>
      lines
        .filter((line) => !line.startsWith(without))
        .map((line) => `${line.slice(1)}\n`)
        .join('')
    const [whole, wanted] = [`\n${before}`, `\n${side('+')}`]
    const at = whole.indexOf(wanted)
    if (at < 0) throw new Error(`it has not what the edit begins with:${wanted}`)
    if (whole.indexOf(wanted, at + 1) >= 0) throw new Error(`it has more than once what the edit begins with:${wanted}`)
    return `${whole.slice(0, at)}\n${side('-')}${whole.slice(at + wanted.length)}`.slice(1)
  }, text)
}

/** Whether what was said is what a page shows. */
export function saysSo(said: string, shown: string): boolean {
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
  const pattern = lines(shown)
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^]*?')
  return new RegExp(pattern).test(lines(said))
}
