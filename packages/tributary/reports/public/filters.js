import { address, go } from './address.js'
import { byId, h } from './dom.js'
import { writeValue } from './format.js'

/** @typedef {{ name: string, label: string, kind: 'time' | 'choice' | 'text' | 'check', all?: string, format?: string }} Filter */

/** No filter takes a later day. */
const LAST_DAY = Date.UTC(9999, 11, 31)

/** The filters of the report that is shown. @type {readonly Filter[]} */
let filters = []

/** Their parameters. */
const names = () => filters.flatMap(({ kind, name }) => (kind === 'time' ? ['from', 'to'] : [name]))

/** What the address says of them. */
export function filterValues() {
  const from = address()
  return new URLSearchParams(names().flatMap((name) => (from.get(name) ? [[name, from.get(name) ?? '']] : [])))
}

/** Draws the controls of a report's filters, unless they are there. @param {readonly Filter[]} wanted */
export function drawFilters(wanted) {
  const form = byId('filters')
  if (JSON.stringify(wanted) !== JSON.stringify(filters)) {
    filters = wanted
    form.replaceChildren(...wanted.flatMap(control), byId('clear'))
    form.hidden = wanted.length === 0
  }
  const from = address()
  for (const name of names()) {
    const field = form.elements.namedItem(name)
    const value = from.get(name) ?? ''
    if (field.type === 'checkbox') field.checked = from.has(name)
    else if (field.value !== value) {
      if (field.tagName === 'SELECT') offer(field, value)
      field.value = value
    }
  }
  byId('clear').hidden = filterValues().size === 0
}

/** @param {Filter} filter */
function control({ name, label, kind, all, format = 'text' }) {
  switch (kind) {
    case 'time':
      return [
        h('label', {}, 'From', h('input', { type: 'date', name: 'from' })),
        h('label', {}, 'To', h('input', { type: 'date', name: 'to' })),
      ]
    case 'choice':
      return [h('label', {}, label, h('select', { name, 'data-format': format }, h('option', { value: '' }, all)))]
    case 'check':
      return [h('label', { class: 'check' }, h('input', { type: 'checkbox', name, value: 'yes' }), label)]
    case 'text':
      return [h('label', {}, label, h('input', { type: 'text', name, autocomplete: 'off' }))]
  }
}

/** A choice that the address says, and nobody offered. @param {HTMLSelectElement} select @param {string} value */
function offer(select, value) {
  if ([...select.options].some((option) => option.value === value)) return
  select.append(h('option', { value }, writeValue(value, select.dataset.format ?? 'text')))
}

/** Fills the choices in. @param {Record<string, readonly string[]>} choices */
export function fillChoices(choices) {
  for (const { name, kind } of filters) {
    if (kind !== 'choice') continue
    const select = byId('filters').elements.namedItem(name)
    const format = select.dataset.format
    const values = choices[name] ?? []
    select.replaceChildren(
      select.options[0],
      ...values.map((value) => h('option', { value }, writeValue(value, format))),
    )
    const chosen = address().get(name) ?? ''
    offer(select, chosen)
    select.value = chosen
  }
}

/**
 * Choosing a bar narrows everything to it; choosing it again takes that back.
 * @param {string} name of a filter @param {string} interval of a time axis
 */
export function drill(name, interval) {
  const byTime = filters.find((filter) => filter.name === name)?.kind === 'time'
  return (/** @type {string} */ key) => {
    if (!byTime) return go({ [name]: address().get(name) === key ? undefined : key, page: undefined })
    const last = new Date(key)
    if (interval === 'week') last.setUTCDate(last.getUTCDate() + 6)
    if (interval === 'month') last.setUTCMonth(last.getUTCMonth() + 1, 0)
    if (interval === 'quarter') last.setUTCMonth(last.getUTCMonth() + 3, 0)
    if (interval === 'year') last.setUTCMonth(12, 0)
    const to = last.getTime() > LAST_DAY ? '9999-12-31' : last.toISOString().slice(0, 10)
    const same = address().get('from') === key && address().get('to') === to
    go(same ? { from: undefined, to: undefined, page: undefined } : { from: key, to, page: undefined })
  }
}

export function listenToFilters() {
  const form = byId('filters')
  form.addEventListener('change', () => {
    const data = new FormData(form)
    go(Object.fromEntries([...names().map((name) => [name, String(data.get(name) ?? '')]), ['page', undefined]]))
  })
  form.addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault())
  byId('clear').addEventListener('click', () => {
    go(Object.fromEntries([...names(), 'page'].map((name) => [name, undefined])))
    form.elements[0].focus()
  })
}
