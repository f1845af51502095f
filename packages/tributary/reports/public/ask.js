import { byId } from './dom.js'

/** @param {string} path */
export async function ask(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } })
  const answer = await response.json().catch(() => undefined)
  if (response.ok && answer !== undefined) return answer
  const { detail, code, id } = answer ?? {}
  throw new Error(`${detail ?? `The report server answered ${response.status}.`}${id ? ` (${code}, ${id})` : ''}`)
}

/** Only the newest answer of a kind is shown: an older question may be answered later. */
const newest = new Map()
/**
 * @param {string} kind @param {() => Promise<any>} question @param {(answer: any) => void} show
 * @param {(message: string) => void} [fail]
 */
export async function latest(kind, question, show, fail) {
  const mine = forget(kind)
  try {
    const answer = await question()
    if (newest.get(kind) === mine) {
      sayTrouble(kind, undefined)
      show(answer)
    }
  } catch (error) {
    if (newest.get(kind) !== mine) return
    const message = error instanceof TypeError ? 'The report server doesn’t answer.' : error.message
    sayTrouble(kind, message)
    fail?.(message)
  }
}

/** What is still asked of a kind isn't shown any more. @param {string} kind @returns {number} */
export function forget(kind) {
  const next = (newest.get(kind) ?? 0) + 1
  newest.set(kind, next)
  return next
}

/** What doesn't work at the moment, by question: one that is answered takes back only its own. @type {Map<string, string>} */
const troubles = new Map()
/** @param {string} kind @param {string | undefined} message */
export function sayTrouble(kind, message) {
  if (message) troubles.set(kind, message)
  else troubles.delete(kind)
  byId('trouble').hidden = troubles.size === 0
  byId('trouble').textContent = [...new Set(troubles.values())].join(' ')
}
