import { setTimeout as sleep } from 'node:timers/promises'
import { services } from './script.ts'
import type { Sender } from './send.ts'

/** A service doesn't answer. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

const GIVE_UP_MS = 60_000
const ASK_AGAIN_MS = 500

/**
 * Makes sure that all services are there, before a long load begins: one that starts or restarts gets a minute.
 * @throws Unreachable with all that don't answer
 */
export async function requireServices(
  sender: Pick<Sender, 'get'>,
  { signal, giveUpMs = GIVE_UP_MS }: { signal?: AbortSignal | undefined; giveUpMs?: number } = {},
): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    const asked = await Promise.allSettled(services.map((service) => sender.get(service, '/health')))
    const faults = asked.flatMap((answer, index) =>
      answer.status === 'rejected' ? [`  ${services[index]}: ${(answer.reason as Error).message}`] : [],
    )
    if (faults.length === 0) return
    if (performance.now() - startedAt > giveUpMs) {
      throw new Unreachable(
        `not all services answer:\n${faults.join('\n')}\nIs the system up? \`tributary status\` shows it, \`make up\` starts it`,
      )
    }
    await sleep(ASK_AGAIN_MS, undefined, { signal })
  }
}
