import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { withoutForeignSettings } from './callers-environment.ts'

test("another PostgreSQL's variables are no business of ours", () => {
  const env: NodeJS.ProcessEnv = { PGHOST: 'elsewhere', PGSSLMODE: 'require', PGOPTIONS: '-c x=y', POSTGRES_PORT: '1' }
  withoutForeignSettings(env)
  expect(env).toEqual({ POSTGRES_PORT: '1', TZ: 'UTC' })
})

test('a list of what goes direct is kept and completed', () => {
  const env: NodeJS.ProcessEnv = { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '.corp, 10.0.0.1' }
  withoutForeignSettings(env)
  expect(env.NO_PROXY).toBe('.corp,10.0.0.1,127.0.0.1,localhost,::1,[::1]')
  expect(env.no_proxy).toBe(env.NO_PROXY)
})

test('with a dead proxy in the environment this computer is reached, by fetch and by the older client', async () => {
  const server = createServer((_, answer) => answer.end('direct')).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`
  const program = `
    import { get } from 'node:http'
    import { withoutForeignSettings } from ${JSON.stringify(fileURLToPath(new URL('./callers-environment.ts', import.meta.url)))}
    withoutForeignSettings(process.env)
    const fetched = await (await fetch('${url}')).text()
    const got = await new Promise((resolve, reject) => get('${url}', (answer) => {
      answer.setEncoding('utf8').on('data', resolve)
    }).on('error', reject))
    console.log(fetched, got)
    process.exit()`
  const dead = 'http://127.0.0.1:9'
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: dead, HTTPS_PROXY: dead, ALL_PROXY: dead },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const text of child.stdout.setEncoding('utf8')) said += text
  expect(said).toBe('direct direct\n')
})
