/**
 * Outlives the test run that started a scratch stack: its standard input closes when that process is gone, however it
 * ended; then the stack is stopped and its folder deleted. Argument: the scratch folder.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { stackAt } from './stack-handle.ts'

const ATTEMPTS = 100
const AGAIN_MS = 2_000

const folder = process.argv[2]
if (!folder) throw new Error('usage: watchdog.ts <scratch folder>')
const settings = JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8'))

process.stdin.resume()
process.stdin.on('close', async () => {
  if (!existsSync(folder)) return
  // An `up` that the test run has begun goes on without it, and is waited for.
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Another test run that found it abandoned deletes it, too.
    if (!existsSync(join(folder, 'settings.json'))) break
    const { code } = await stackAt(settings).tributary(['clean'])
    if (code === 0) break
    await after(AGAIN_MS)
  }
  rmSync(folder, { recursive: true, force: true })
})
