import { randomUUID } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import type { Command } from './commands.ts'

/** What a service answered to a command. */
export interface Answered {
  readonly command: Command
  readonly status: number
  readonly type: string
  readonly text: string
}

/** How long a service may not have heard of an order that another one has accepted, in ms. */
const HEARD_MS = 20_000
const AT_ONCE = 6

/**
 * Sends commands in their order, some of them at the same time: whichever refer to the same order stay one after the
 * other, as they would come from one client.
 */
export async function sendAll(
  services: Readonly<Record<string, string>>,
  commands: readonly Command[],
): Promise<Answered[]> {
  const accepted = new Set<unknown>()
  const answers: Answered[] = []
  const send = async (command: Command) => {
    const deadline = performance.now() + HEARD_MS
    for (;;) {
      const answered = await sendOne(services, command)
      const patient = command.ofOrder !== undefined && accepted.has(command.ofOrder) && performance.now() < deadline
      if (answered.status === 409 && patient && JSON.parse(answered.text).retryable) {
        await after(50)
        continue
      }
      if (command.path === '/orders' && answered.status === 201) {
        accepted.add((command.body as { orderId: unknown }).orderId)
      }
      answers.push(answered)
      return
    }
  }
  // What makes things goes first within a group: the rest refers to it.
  for (let i = 0; i < commands.length; i += AT_ONCE) {
    const group = commands.slice(i, i + AT_ONCE)
    const making = group.filter(({ made }) => made !== undefined)
    await Promise.all(making.map(send))
    for (const command of group) if (command.made === undefined) await send(command)
  }
  return answers
}

async function sendOne(services: Readonly<Record<string, string>>, command: Command): Promise<Answered> {
  const { service, method, path, body } = command
  const response = await fetch(`${services[service]}${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { command, status: response.status, type: response.headers.get('content-type') ?? '', text }
}
