import { address, following, go } from './address.js'
import { ask, forget, latest, sayTrouble } from './ask.js'
import { byId, h } from './dom.js'
import { isNumeric } from './format.js'
import { headOf, nothing, showValue, valueAt } from './value.js'

/**
 * @typedef {import('./format.js').Format} Format
 * @typedef {{ field: string, label: string, format: Format, link?: string, emphasis?: string }} Field
 * @typedef {{ readModel: string, parameter: string,
 *   badges: { field: string, format: Format, label?: string }[],
 *   steps?: { label: string, moments: (Field & { planned: boolean })[] },
 *   sections: { title: string, fields: Field[] }[],
 *   tables: { field: string, label: string, none: string, columns: Field[] }[] }} View
 */

/** How documents are shown, by read model. @type {Map<string, View>} */
const views = new Map()
let shown = ''

/** @param {View[]} given */
export function takeViews(given) {
  for (const view of given) views.set(view.readModel, view)
}

/** The changes of an address that show a document, or none. @param {string} [readModel] @param {string} [id] */
const showing = (readModel, id) =>
  Object.fromEntries([...views.values()].map((view) => [view.parameter, view.readModel === readModel ? id : undefined]))

/** @param {string} readModel @param {string} id */
export const openDocument = (readModel, id) => go(showing(readModel, id))

/** Shows the document that the address names, or none. */
export function drawDocument() {
  const from = address()
  const view = [...views.values()].find(({ parameter }) => from.get(parameter))
  const id = (view && from.get(view.parameter)) ?? ''
  const key = view ? `${view.readModel}/${id}` : ''
  if (key === shown) return
  shown = key
  const dialog = byId('detail')
  if (!view) {
    forget('document')
    dialog.close()
    sayTrouble('document', undefined)
    return
  }
  const close = () => dialog.close()
  return latest(
    'document',
    () => ask(`api/documents/${encodeURIComponent(view.readModel)}?id=${encodeURIComponent(id)}`),
    (document) => {
      dialog.replaceChildren(detail(view, id, document, close))
      if (!dialog.open) dialog.showModal()
      dialog.scrollTop = 0
    },
    // A link of the document that is shown may lead to one that isn't there: the trouble is said in front of it.
    (message) => dialog.replaceChildren(h('div', { class: 'detail' }, head(id, close), h('p', {}, message))),
  )
}

export function listenToDocument() {
  const dialog = byId('detail')
  dialog.addEventListener('close', () => {
    if (shown) go(showing())
  })
}

/** @param {string} id @param {() => void} close @param {(Node | string | false)[]} [badges] */
function head(id, close, badges = []) {
  return h(
    'div',
    { class: 'detail-head' },
    h('div', {}, h('h2', { id: 'detail-title' }, h('bdi', {}, id)), h('div', { class: 'badges' }, badges)),
    h('button', { type: 'button', class: 'close', onclick: close, autofocus: true }, 'Close'),
  )
}

/** @param {View} view @param {string} id @param {any} document @param {() => void} close */
function detail(view, id, document, close) {
  return h(
    'div',
    { class: 'detail' },
    head(id, close, badges(view, document)),
    view.steps && steps(view.steps, document),
    h(
      'div',
      { class: 'parts' },
      view.sections.map(({ title, fields }) => h('section', {}, h('h3', {}, title), facts(fields, document))),
    ),
    view.tables.map(({ field, label, none, columns }) => {
      const records = valueAt(document, field) ?? []
      return h('section', {}, h('h3', {}, `${label} (${records.length})`), table(columns, records, none))
    }),
  )
}

/** @param {View} view @param {any} document */
const badges = (view, document) =>
  view.badges.flatMap(({ field, format, label }) => {
    const value = showValue(valueAt(document, field), format)
    if (value === undefined) return []
    const isOne = value instanceof HTMLElement && /badge|stars/.test(value.className)
    return isOne && !label ? [value] : [h('span', { class: 'badge' }, value, label && ` ${label}`)]
  })

/** @param {NonNullable<View['steps']>} steps @param {any} document */
const steps = ({ label, moments }, document) =>
  h(
    'ol',
    { class: 'steps', 'aria-label': label },
    moments.map(({ field, label, format, planned }) => {
      const value = showValue(valueAt(document, field), format)
      return h(
        'li',
        { class: value !== undefined && !planned ? 'reached' : '' },
        h('b', {}, label),
        value ?? h('span', { class: 'muted' }, 'not known'),
      )
    }),
  )

/** @param {Field[]} fields @param {any} document */
function facts(fields, document) {
  const sums = fields.every(({ format }) => isNumeric(format))
  return h(
    'dl',
    { class: sums ? 'facts sums' : 'facts' },
    fields.flatMap((field) => {
      const strong =
        field.emphasis === 'always' || (field.emphasis === 'not-zero' && valueAt(document, field.field) !== 0)
      return [h('dt', {}, field.label), h('dd', { class: strong ? 'strong' : '' }, linked(field, document))]
    }),
  )
}

/** A value, and where it leads. @param {Field} field @param {any} record */
function linked({ field, format, link }, record) {
  const value = valueAt(record, field)
  const shown = showValue(value, format)
  const view = link === undefined ? undefined : views.get(link)
  if (shown === undefined) return nothing()
  if (!view || Array.isArray(value)) return shown
  const id = String(value)
  const href = `?${view.parameter}=${encodeURIComponent(id)}`
  return h('a', { href, onclick: following(() => openDocument(view.readModel, id)) }, shown)
}

/** @param {Field[]} columns @param {any[]} records @param {string} none */
function table(columns, records, none) {
  if (records.length === 0) return h('p', { class: 'muted' }, none)
  const kind = (/** @type {Field} */ { format }) => ({ class: isNumeric(format) ? 'num' : '' })
  const label = columns.map((column) => column.label).join(', ')
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map((column) => h('th', kind(column), headOf(column.label, column.format))),
        ),
      ),
      h(
        'tbody',
        {},
        records.map((record) =>
          h(
            'tr',
            {},
            columns.map((column) => h('td', kind(column), linked(column, record))),
          ),
        ),
      ),
    ),
  )
}
