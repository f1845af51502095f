/**
 * Outlives the test run that started a scratch stack: its standard input closes when that process is gone, however it
 * ended; then the stack is stopped and its folder deleted. Argument: the scratch folder.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stackAt } from './stack-handle.ts'

const folder = process.argv[2]
if (!folder) throw new Error('usage: watchdog.ts <scratch folder>')
const settings = JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8'))

process.stdin.resume()
process.stdin.on('close', async () => {
  if (!existsSync(folder)) return
  await stackAt(settings).tributary(['clean'])
  rmSync(folder, { recursive: true, force: true })
})
