import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { showOutput } from './show-output.ts'

/** What is shown of what a command writes, and how the command ended. */
async function shown(script: string): Promise<{ text: string; status: number | null }> {
  let text = ''
  const out = new Writable({
    write(chunk, _, done) {
      text += chunk
      done()
    },
  })
  const status = await showOutput(process.execPath, ['-e', script], {}, out)
  return { text, status }
}

test('what a log holds does not steer the terminal', async () => {
  const { text, status } = await shown(String.raw`process.stdout.write('a\tgood line\n\x1b[2J\u009b31m가\u202e\n')`)
  expect(text).toBe('a\tgood line\n\\u001b[2J\\u009b31m가\\u202e\n')
  expect(status).toBe(0)
})

test('a character that comes in two pieces stays one', async () => {
  const { text } = await shown(`
    const bytes = Buffer.from('가')
    process.stdout.write(bytes.subarray(0, 1))
    setTimeout(() => process.stdout.write(bytes.subarray(1)), 50)
  `)
  expect(text).toBe('가')
})

test('a command that fails is told apart', async () => {
  expect(await shown('process.exit(3)')).toEqual({ text: '', status: 3 })
})
