import { Command } from 'commander'
import { beforeEach, expect, test, vi } from 'vitest'
import system from '../../../tributary.config.ts'
import { producersCommands } from './cli.ts'

const resendLost = vi.hoisted(() => vi.fn(async () => ({ lost: 0, written: 0 })))
vi.mock('#outbox/resend', () => ({ resendLost }))
vi.spyOn(console, 'log').mockImplementation(() => {})
beforeEach(() => void resendLost.mockClear())

async function resend(since: string): Promise<void> {
  const program = new Command()
  producersCommands(program, system)
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().configureOutput({ writeErr: () => {} })
  }
  await program.parseAsync(['outbox', 'resend', 'orders', '--since', since], { from: 'user' })
}

test.each([
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
  ['2026-01-02T03:04:05.678+05:30', '2026-01-01T21:34:05.678Z'],
])('events since %s are sent again', async (since, moment) => {
  await resend(since)
  expect(resendLost).toHaveBeenCalledWith(system.domainTopics.get('orders'), Date.parse(moment))
})

test.each([
  '2026-02-30T03:04:05Z',
  '5',
  '',
  '2026-01-02',
  '2026-01-02T03:04:05',
  '2026-01-02 03:04:05Z',
  'Fri, 02 Jan 2026 03:04:05 GMT',
  '1969-12-31T23:59:59Z',
  '2200-01-01T00:00:00Z',
])('"%s" is no time, and nothing is sent', async (since) => {
  await expect(resend(since)).rejects.toThrow(/'--since <time>' argument .* is invalid\. It must be /)
  expect(resendLost).not.toHaveBeenCalled()
})
