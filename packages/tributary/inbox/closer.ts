import { inboxApp } from '#contracts/apps'
import type { Closer } from '#runtime/dead-letters/cli'
import type { OpenLetter } from '#runtime/dead-letters/letter'
import type { OpenInbox } from './open.ts'

/**
 * Deals with the letters of subscribers' inboxes: what waits for a key is in the service's database.
 * @param open opens a service's inbox
 */
export function inboxCloser(subscribers: readonly string[], open: (service: string) => Promise<OpenInbox>): Closer {
  const inInbox = async (letter: OpenLetter, work: (inbox: OpenInbox, key: string) => Promise<string>) => {
    await using inbox = await open(subscribers.find((each) => inboxApp(each) === letter.app)!)
    const key = await inbox.keyOf(letter)
    // Awaited here: the inbox is closed when this returns.
    if (key !== undefined) return await work(inbox, key)
    await inbox.forget(letter)
    return 'it no longer waits, and was dealt with before'
  }
  return {
    apps: subscribers.map(inboxApp),
    replay: (letter) =>
      inInbox(letter, async (inbox, key) => {
        const released = await inbox.replay(key, letter.topic)
        return `${sum(released, 'replayed')} events handled`
      }),
    drop: (letter, reason) =>
      inInbox(letter, async (inbox, key) => {
        const released = await inbox.drop(key, { all: false, reason, topic: letter.topic })
        return `${sum(released, 'dropped')} dropped, ${sum(released, 'replayed')} behind it handled`
      }),
  }
}

const sum = <Name extends string>(released: readonly Readonly<Record<Name, number>>[], name: Name) =>
  released.reduce((total, each) => total + each[name], 0)
