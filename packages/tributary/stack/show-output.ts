import { type SpawnOptions, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { printableLines } from '#runtime/printable'

/**
 * Runs a command and shows what it says as text: a log holds what others wrote, which mustn't steer the terminal. Gives
 * its exit status, null when a signal ended it.
 */
export async function showOutput(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
  out: Writable = process.stdout,
): Promise<number | null> {
  const child = spawn(command, args, { ...options, stdio: ['inherit', 'pipe', 'inherit'] })
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject)
  child.on('close', resolve)
  ended.catch(() => {})
  child.stdout!.setEncoding('utf8')
  try {
    await pipeline(child.stdout!, printed, out, { end: false })
  } catch (error) {
    child.kill()
    // Whoever reads it has seen enough, as `head` has.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
  return ended
}

async function* printed(chunks: AsyncIterable<string>): AsyncIterable<string> {
  for await (const chunk of chunks) yield printableLines(chunk)
}
