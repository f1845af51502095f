import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { upAny } from '../any-stack.ts'
import { usesDocker } from '../docker.ts'
import { down } from '../down.ts'
import { repository as root, type StackSettings } from '../environment.ts'
import { ensureHome } from '../home.ts'
import { endLeftovers, leftovers } from '../leftovers.ts'
import { type Places, placesOf } from '../places.ts'
import { openSay } from '../say.ts'
import type { CommandExists } from '../set-up.ts'
import { endSupervisor, openSupervisor, supervisorPid } from '../supervisor/client.ts'
import { hold, release } from '../supervisor/holder.ts'
import { up } from '../up.ts'
import { Changes, ownNames } from './changes.ts'
import { followFiles } from './follow-logs.ts'
import { Loader } from './read-project.ts'
import { Restarts } from './restarts.ts'
import { openScreen } from './screen.ts'
import { Types } from './types.ts'
import { foldersWithin, watchFiles } from './watch-files.ts'

export interface DevOptions {
  /** As of `up`. */
  readonly only?: readonly string[] | undefined
  readonly commandExists: CommandExists
}

/** A second Ctrl-C that comes sooner is the first: npx passes on what the terminal sent to both. */
const SAME_MS = 500

/**
 * The stack in the foreground: brings it up, or takes over one that runs, starts processes anew when what they are made
 * of changes, shows what they say. Returns when a signal has ended it and nothing runs any more.
 */
export async function dev(settings: StackSettings, options: DevOptions): Promise<void> {
  if (usesDocker(settings)) {
    throw new Error(
      "dev follows processes of this computer, and this project's stack is in containers: `make down`, then `STACK=native npx --no tributary dev`",
    )
  }
  const places = placesOf(settings)
  ensureHome(places)
  const file = join(places.home, 'dev')
  const other = hold(file)
  if (other) throw new Error(`${root} is followed already: pid ${other.pid} is another \`tributary dev\``)
  try {
    await follow({ ...settings, stack: 'native' }, places, options)
  } finally {
    release(file)
  }
}

async function follow(settings: StackSettings, places: Places, { only, commandExists }: DevOptions): Promise<void> {
  const asked = askedToEnd()
  const names = ownNames(settings.shape)
  const screen = openScreen(names)
  const say = openSay()

  const early: string[] = []
  let changes: Changes | undefined
  // What changes while everything is brought up isn't lost.
  using watched = watchFiles((files) => (changes ? changes.add(files) : early.push(...files)))
  watched.watch(foldersWithin(root))
  using loader = new Loader(root, places.home)
  const reading = loader.load()
  reading.catch(() => {})

  const starting = upAny(settings, { only, commandExists, say })
  starting.catch(() => {})
  if ((await Promise.race([starting, asked.once])) === 'asked') return endStarting(settings, places, starting, asked)
  const loaded = await reading
  if (!loaded.project) throw new Error(loaded.faults.map(({ place, message }) => `${place}: ${message}`).join('\n'))

  const logOf = (name: string) => [name, join(places.logs, `${name}.log`)] as const
  const logs = followFiles(new Map(names.map(logOf)), screen.logged)
  const supervisor = await openSupervisor(places)
  const restarts = new Restarts(supervisor, screen)
  const types = new Types(root, places.home, screen)
  const parts = {
    ...{ root, screen, supervisor, restarts, types, loader, watched, only },
    up: async (wanted: StackSettings, before: StackSettings, still: readonly string[] | undefined) => {
      const now = new Set(ownNames(wanted.shape))
      logs.follow(new Map([...now].map(logOf)))
      for (const name of ownNames(before.shape)) if (!now.has(name)) await supervisor.remove(name)
      await up(wanted, { only: still, commandExists, say, keep: true })
    },
  }
  changes = new Changes(parts, settings, { ...loaded, project: loaded.project })
  screen.say('follows the files; Ctrl-C ends everything')
  loader.standBy()
  if (early.length > 0) changes.add(early)
  types.check()

  const end = await Promise.race([asked.once, supervisor.gone])
  changes.close()
  watched.close()
  restarts.close()
  types.cancel()
  if (end !== 'asked') {
    logs.stop()
    throw new Error(
      'the supervisor of this stack is gone (`tributary down` elsewhere?): `tributary dev` brings it up again',
    )
  }
  screen.say('ends everything; Ctrl-C again is faster')
  const here = changes.settings
  await unlessHurried(() => down(here, say), here, places, asked)
  logs.stop()
  supervisor.close()
}

interface Asked {
  readonly once: Promise<'asked'>
  readonly twice: Promise<'hurried'>
}

function askedToEnd(): Asked {
  const once = Promise.withResolvers<'asked'>()
  const twice = Promise.withResolvers<'hurried'>()
  let first: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      first ??= performance.now()
      if (performance.now() - first > SAME_MS) twice.resolve('hurried')
      else once.resolve('asked')
    })
  }
  // A terminal that was closed takes no more lines; everything is ended all the same.
  process.stdout.on('error', () => once.resolve('asked'))
  return { once: once.promise, twice: twice.promise }
}

/** Ends what an `up` that is under way has started, and then that. */
async function endStarting(
  settings: StackSettings,
  places: Places,
  starting: Promise<void>,
  asked: Asked,
): Promise<void> {
  const say = openSay()
  say.line('ends what was started; Ctrl-C again is faster')
  let settled = false
  const over = starting
    .catch(() => {})
    .then(() => {
      settled = true
    })
  const inOrder = async (hurried: () => boolean) => {
    while (!settled) {
      // From here on all is ended elsewhere, whatever `up` is about: this process is to end.
      if (hurried()) return
      if (supervisorPid(places) !== undefined) await endSupervisor(places)
      await Promise.race([over, after(200)])
    }
    await down(settings, say)
  }
  await unlessHurried(inOrder, settings, places, asked)
}

/** Ends in order, or all at once where somebody can't wait. */
async function unlessHurried(
  inOrder: (hurried: () => boolean) => Promise<void>,
  settings: StackSettings,
  places: Places,
  asked: Asked,
): Promise<void> {
  let hurried = false
  const orderly = inOrder(() => hurried).catch((error) => {
    if (!hurried) throw error
  })
  const atOnce = asked.twice.then(async () => {
    hurried = true
    await endSupervisor(places)
    await endLeftovers(leftovers(settings.shape, places, new Set()))
  })
  await Promise.race([orderly, atOnce])
  if (hurried) await atOnce
}
