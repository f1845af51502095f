import { address, go } from './address.js'
import { ask, latest } from './ask.js'
import { openDocument } from './document.js'
import { byId, h } from './dom.js'
import { filterValues } from './filters.js'
import { isNumeric, kindOf, writeCount, writeValue } from './format.js'
import { headOf, nothing, showValue, valueAt } from './value.js'

/**
 * @typedef {import('./format.js').Format} Format
 * @typedef {{ field: string, format: Format }} Shown
 * @typedef {Shown & { label: string, also?: Shown[], onPhone?: string }} Column
 * @typedef {{ title: string, readModel: string, columns: Column[], none: string, search?: { placeholder?: string },
 *   sorts: { id: string, label: string, back?: string, next?: string }[] }} List
 */

const TYPING_MS = 200
/** The server shows no document further down. */
const DEEPEST = 10_000

/** The list that is shown, and what of it. @type {List | undefined} */
let list
let shown = ''

/** @param {string} report @param {List | undefined} wanted */
export function drawList(report, wanted) {
  byId('list').hidden = wanted === undefined
  if (!wanted) {
    list = undefined
    return
  }
  if (JSON.stringify(wanted) !== JSON.stringify(list)) drawFrame(wanted)
  list = wanted
  const search = byId('search')
  if (document.activeElement !== search) search.value = address().get('q') ?? ''
  byId('sort').value = address().get('sort') ?? wanted.sorts[0]?.id
  const query = listQuery().toString()
  const key = `${report}?${query}`
  if (key !== shown) load(report, wanted, query, key)
}

/** What is shown is asked for again. */
export function refreshList() {
  shown = ''
}

/** @param {List} wanted */
function drawFrame({ title, columns, sorts, search, none }) {
  byId('list-title').firstChild.textContent = `${title} `
  byId('search').hidden = search === undefined
  byId('search').placeholder = search?.placeholder ?? 'Search …'
  byId('search').setAttribute('aria-label', `Search ${title}`)
  byId('sort').replaceChildren(...sorts.map(({ id, label }) => h('option', { value: id }, label)))
  byId('columns').replaceChildren(...columns.map((column) => h('th', { class: classOf(column) }, heading(column))))
  byId('none').textContent = none
}

/** @param {Column} column */
const heading = ({ label, format }) => headOf(label, format)
/** @param {Column} column */
function classOf({ format, onPhone = 'left' }) {
  const words = ['text', 'words'].includes(kindOf(format))
  return `${onPhone} ${isNumeric(format) ? 'num' : words ? 'text' : ''}`
}

function listQuery() {
  const query = filterValues()
  for (const name of ['q', 'sort', 'page']) {
    const value = address().get(name)
    if (value) query.set(name, value)
  }
  return query
}

/** @param {string} report @param {List} list @param {string} query @param {string} key */
function load(report, { columns, sorts, readModel }, query, key) {
  shown = key
  const path = `api/reports/${encodeURIComponent(report)}/documents`
  const csv = listQuery()
  csv.delete('page')
  byId('csv').href = `${path}.csv?${csv}`
  byId('csv').download = `${readModel}.csv`
  return latest(
    'list',
    () => ask(`${path}?${query}`),
    ({ documents, total, page, size }) => {
      byId('total').textContent = writeCount(total)
      byId('total').dataset.value = total
      byId('documents').replaceChildren(
        ...documents.map((/** @type {any} */ { id, document }) => row(readModel, columns, id, document)),
      )
      byId('none').hidden = documents.length > 0
      byId('page').textContent =
        total === 0 ? '' : `${writeCount(page * size + 1)}–${writeCount(page * size + documents.length)}`
      byId('previous').disabled = page === 0
      byId('next').disabled = (page + 1) * size >= Math.min(total, DEEPEST)
      const sort = sorts.find(({ id }) => id === address().get('sort')) ?? sorts[0]
      byId('previous').textContent = sort?.back ?? '← Back'
      byId('next').textContent = sort?.next ?? 'Next →'
    },
  )
}

/** @param {string} readModel @param {Column[]} columns @param {string} id @param {any} document */
function row(readModel, columns, id, document) {
  return h(
    'tr',
    { onclick: () => openDocument(readModel, id), 'data-id': id },
    columns.map((column, at) => {
      const shown = cellOf(column, document)
      const title = textOf(column, document)
      const inside = at === 0 ? h('button', { class: 'open', type: 'button', title }, shown) : shown
      return h('td', { class: classOf(column), title }, inside)
    }),
  )
}

/** @param {Column} column @param {any} document */
function cellOf({ also = [], ...column }, document) {
  const parts = [column, ...also].flatMap(({ field, format }) => {
    const value = showValue(valueAt(document, field), format)
    return value === undefined ? [] : [{ value, format }]
  })
  if (parts.length === 0) return [nothing()]
  // Badges stand beside each other, words are told apart.
  return parts.flatMap(({ value, format }, at) => {
    if (at === 0) return [value]
    return [['badge', 'flag'].includes(kindOf(format)) ? ' ' : ', ', value]
  })
}

/** @param {Column} column @param {any} document */
const textOf = ({ also = [], ...column }, document) =>
  [column, ...also]
    .filter(({ format }) => ['text', 'words', 'id'].includes(kindOf(format)))
    .flatMap(({ field, format }) => writeValue(valueAt(document, field), format) ?? [])
    .join(', ') || undefined

export function listenToList() {
  /** @type {ReturnType<typeof setTimeout>} */
  let typing
  byId('search').addEventListener('input', () => {
    clearTimeout(typing)
    typing = setTimeout(() => go({ q: byId('search').value.trim(), page: undefined }, true), TYPING_MS)
  })
  byId('sort').addEventListener('change', () => go({ sort: byId('sort').value, page: undefined }))
  const turn = (/** @type {number} */ by) => () =>
    go({ page: String(Math.max(0, (Number(address().get('page')) || 0) + by)) })
  byId('previous').addEventListener('click', turn(-1))
  byId('next').addEventListener('click', turn(1))
}
