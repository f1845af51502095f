import { setTimeout as after } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { changelogOf, exchangeOf } from '#engine/run/internal-topics.ts'
import kafkajs from '#runtime/kafkajs.ts'

/** How long the brokers may take to let go of a topic, in ms. */
const GONE_MS = 30_000

/**
 * Forgets all that a processor knows: its positions, its state, and what its workers told one another. At its next start
 * it reads everything again and writes every row again, to the topics it has.
 *
 * The changelog goes last: whatever interrupts this, a processor that still has state of before then finds that its
 * exchange topic is another one, and says so instead of taking anything twice.
 * @throws Error when a worker runs, or was killed less than ten seconds ago
 */
export async function resetProcessor(brokers: readonly string[], app: string): Promise<void> {
  const { Kafka, logLevel } = kafkajs
  const admin = new Kafka({
    clientId: 'tributary-reset',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
  }).admin()
  await admin.connect()
  try {
    await checkStopped(admin, app)
    const { groups } = await admin.listGroups()
    if (groups.some(({ groupId }) => groupId === app)) await admin.deleteGroups([app])
    for (const topic of [exchangeOf(app), changelogOf(app)]) await remove(admin, topic)
  } finally {
    await admin.disconnect()
  }
}

async function checkStopped(admin: Admin, app: string): Promise<void> {
  const { groups } = await admin.describeGroups([app])
  const members = groups.flatMap((group) => group.members.map(({ clientId }) => clientId))
  if (members.length === 0) return
  throw new Error(
    `"${app}" runs (${members.join(', ')}): stop it first. A worker that was killed counts for ten seconds more`,
  )
}

async function remove(admin: Admin, topic: string): Promise<void> {
  const isThere = async () => (await admin.listTopics()).includes(topic)
  if (!(await isThere())) return
  await admin.deleteTopics({ topics: [topic] })
  const deadline = performance.now() + GONE_MS
  while (await isThere()) {
    if (performance.now() > deadline)
      throw new Error(`topic "${topic}" is still there ${GONE_MS / 1_000} s after it was deleted`)
    await after(100)
  }
}
