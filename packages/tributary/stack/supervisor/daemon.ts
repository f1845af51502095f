/**
 * The supervisor of one home: keeps its processes running, writes down what they say, answers on a socket. Started by
 * stack/supervisor/client.ts, and outlives it.
 *
 *   node packages/tributary/stack/supervisor/daemon.ts <home>
 */
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { hold, release } from './holder.ts'
import { KeptProcess } from './kept-process.ts'
import { LogFile } from './log-file.ts'
import { type Answer, onMessages, PROTOCOL, type Request, send, type ToStart } from './protocol.ts'

const home = process.argv[2]
if (!home) throw new Error('usage: daemon.ts <home>')
const folder = join(home, 'supervisor')
const pidFile = join(folder, 'supervisor.pid')
// Beside it, and spoken of without its folder: a socket's whole path may have 107 bytes at most (103 on macOS).
const SOCKET = 'supervisor.sock'

const log = new LogFile(join(home, 'logs', 'supervisor.log'))
const kept = new Map<string, KeptProcess>()
const logs = new Map<string, LogFile>()
let ending = false

const other = hold(pidFile)
if (other) {
  console.error(`pid ${other.pid} supervises ${home} already`)
  process.exit(1)
}
// Whoever dies here leaves everything unattended: what is said is written down, and it goes on.
process.on('uncaughtException', (error) => log.note(`a fault of the supervisor itself: ${error.stack}`))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end().finally(() => process.exit(0)))
process.on('SIGHUP', () => {})
slackenTimers()

process.chdir(folder)
rmSync(SOCKET, { force: true })
process.umask(0o177)
const server = createServer(attend)
server.listen(SOCKET, () => log.note(`supervises ${home} (pid ${process.pid})`))
server.on('error', (error) => {
  console.error(`the socket ${join(folder, SOCKET)} can't be opened: ${error.message}`)
  release(pidFile)
  process.exit(1)
})
// What it starts makes files as on any server, however careful the shell was that called.
process.umask(0o022)

function attend(socket: Socket): void {
  socket.on('error', () => {})
  onMessages<Request & { id: number }>(socket, async (request) => {
    const answer: Answer = { id: request.id, protocol: PROTOCOL }
    try {
      await act(request)
      const list = [...kept.values()].map((one) => one.describe())
      send(socket, { ...answer, list } satisfies Answer)
    } catch (error) {
      send(socket, { ...answer, error: (error as Error).message } satisfies Answer)
    }
    if (request.do === 'end') socket.end(() => process.exit(0))
  })
}

async function act(request: Request): Promise<void> {
  if (request.do === 'start') return start(request.process)
  if (request.do === 'end') return end()
  if (request.do === 'list') return
  const one = kept.get(request.name)
  if (request.do === 'restart') {
    if (!one) throw new Error(`there is no ${request.name} to start anew`)
    return one.restart(request.onTrial)
  }
  if (request.do === 'keep') return one?.keep()
  await one?.stop()
  if (kept.get(request.name) === one) kept.delete(request.name)
}

function start(what: ToStart): void {
  if (ending) throw new Error('the supervisor is about to end')
  if (kept.has(what.name)) throw new Error(`${what.name} is kept already`)
  let file = logs.get(what.log)
  if (!file) {
    file = new LogFile(what.log)
    logs.set(what.log, file)
  }
  kept.set(what.name, new KeptProcess(what, file))
}

/** Nothing is started from here on; when it returns, nothing runs. */
async function end(): Promise<void> {
  ending = true
  server.close()
  const ends = await Promise.allSettled([...kept.values()].map((one) => one.stop()))
  for (const one of ends) if (one.status === 'rejected') log.note(one.reason.message)
  log.note('ends')
  await Promise.all([log, ...logs.values()].map((file) => file.close()))
  release(pidFile)
}

/**
 * Timers of this process, and of all it starts, may be up to a millisecond late. Debezium waits for whole milliseconds
 * and spins through the rest of each poll: with six connectors and polls every 20 ms, a twelfth of a core. On Linux only
 * (https://man7.org/linux/man-pages/man2/PR_SET_TIMERSLACK.2const.html).
 */
function slackenTimers(): void {
  try {
    writeFileSync('/proc/self/timerslack_ns', '1000000')
  } catch {
    // Not Linux, or it doesn't let us: then it costs what it costs.
  }
}
