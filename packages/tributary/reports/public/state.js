import { byId, h } from './dom.js'
import { writeAgo, writeCount, writeUtc } from './format.js'

/** Behind by more than this, data don't count as live. */
const LIVE_MS = 15_000

/**
 * As of when the figures are. Their age is what the server says: a browser's clock may be anything.
 * @param {any} freshness
 */
export function showFreshness(freshness) {
  const pill = byId('freshness')
  const models = Object.entries(freshness?.readModels ?? {})
  const words = /** @type {Element} */ (pill.querySelector('.words'))
  const oldest = models.map(([, { completeThrough }]) => completeThrough ?? '').sort()[0]
  pill.className = 'pill'
  if (!oldest) {
    words.textContent = 'Data as of: not known'
    pill.title = freshness?.trouble ?? 'The freshness service doesn’t answer.'
    return
  }
  const behind = Math.max(...models.map(([, { lagMs }]) => lagMs ?? 0))
  const except = Math.max(...models.map(([, { exceptCount, except }]) => exceptCount ?? except?.length ?? 0))
  pill.classList.add(behind < LIVE_MS ? 'live' : 'behind')
  const but = except > 0 ? `, except ${except} key${except === 1 ? '' : 's'}` : ''
  words.textContent = `Data as of ${oldest.slice(11, 19)} UTC${but}${behind < LIVE_MS ? '' : ` · ${writeAgo(behind)}`}`
  pill.dataset.through = oldest
  const each = models.map(([name, { completeThrough, waitingFor }]) => {
    return `${name}: ${completeThrough ? `complete through ${completeThrough}` : 'not known'}${waitingFor ? ` (waits for ${waitingFor})` : ''}`
  })
  const all = except > 0 ? 'Everything but what the dead letters list' : 'Everything'
  pill.title = `${all} that was committed before ${oldest} is in these figures.\n${each.join('\n')}`
}

/** What was set aside and not dealt with. @param {{ count: number, list: any[] } | undefined} letters undefined: not known */
export function showLetters(letters) {
  const pill = byId('dead-letters')
  pill.hidden = letters === undefined
  if (!letters) return
  const { count, list } = letters
  pill.dataset.value = String(count)
  pill.className = count > 0 ? 'pill bad' : 'pill'
  pill.disabled = count === 0
  pill.textContent = `${writeCount(count)} open dead letter${count === 1 ? '' : 's'}`
  pill.title = count === 0 ? 'No record is set aside.' : 'Which keys the figures are without, and why'
  pill.onclick = () =>
    openList(
      'Open dead letters',
      'The figures are without what these records say, until somebody replays or drops them.',
      list.map((letter) => ({
        head: letter.key ?? '(no key)',
        what: `${letter.message} (${letter.reason})`,
        facts: `${letter.app}, since ${writeUtc(letter.since)} UTC`,
        remedy: `npx --no tributary dead-letters show ${letter.id}`,
      })),
      count - list.length,
    )
}

/** What isn't well though figures are served. @param {any[] | undefined} concerns */
export function showConcerns(concerns = []) {
  const pill = byId('concerns')
  pill.hidden = concerns.length === 0
  pill.className = 'pill behind'
  pill.textContent = `${concerns.length} concern${concerns.length === 1 ? '' : 's'}`
  pill.onclick = () =>
    openList(
      'Concerns',
      'Not everything is as it should be, though figures are served.',
      concerns.map(({ part, what, remedy }) => ({ head: part, what, facts: '', remedy: remedy ?? '' })),
      0,
    )
}

/**
 * @param {string} title @param {string} about
 * @param {{ head: string, what: string, facts: string, remedy: string }[]} entries @param {number} more that are not listed
 */
function openList(title, about, entries, more) {
  const dialog = byId('letters')
  dialog.replaceChildren(
    h(
      'div',
      { class: 'detail' },
      h(
        'div',
        { class: 'detail-head' },
        h('div', {}, h('h2', { id: 'letters-title' }, title), h('p', { class: 'muted' }, about)),
        h('button', { type: 'button', class: 'close', onclick: () => dialog.close(), autofocus: true }, 'Close'),
      ),
      h(
        'ul',
        { class: 'entries' },
        entries.map(({ head, what, facts, remedy }) =>
          h(
            'li',
            {},
            h('b', {}, h('bdi', {}, head)),
            h('p', {}, what),
            facts && h('p', { class: 'muted' }, facts),
            remedy && h('code', {}, remedy),
          ),
        ),
      ),
      more > 0 && h('p', { class: 'muted' }, `… and ${more} more: npx --no tributary dead-letters list`),
    ),
  )
  if (!dialog.open) dialog.showModal()
}
