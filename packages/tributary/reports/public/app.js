import { chartCard, numberCard } from './charts.js'
import { byId, h } from './dom.js'
import { humane, writeMoment, writeMoney } from './format.js'
import { showOrder, stars, statusBadge } from './order.js'
import { showConcerns, showFreshness, showLetters } from './state.js'

const FILTERS = ['from', 'to', 'state', 'category', 'status', 'differs']
const STATE_MS = 3_000
const REFRESH_MS = 10_000
const TYPING_MS = 200
/** No filter takes a later day. */
const LAST_DAY = Date.UTC(9999, 11, 31)

/** What the page shows is what its address says: reports can be bookmarked and sent. */
const address = () => new URLSearchParams(location.search)

/** @param {Record<string, string | undefined>} changes @param {boolean} [replace] */
function go(changes, replace = false) {
  const to = address()
  for (const [name, value] of Object.entries(changes)) {
    if (value) to.set(name, value)
    else to.delete(name)
  }
  const text = to.toString()
  history[replace ? 'replaceState' : 'pushState'](null, '', text ? `?${text}` : location.pathname)
  render()
}

/** The filters of the address. */
function filters() {
  const from = address()
  return new URLSearchParams(FILTERS.flatMap((name) => (from.get(name) ? [[name, from.get(name) ?? '']] : [])))
}

/** @param {string} path */
async function ask(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } })
  const answer = await response.json().catch(() => undefined)
  if (response.ok && answer !== undefined) return answer
  const { detail, code, id } = answer ?? {}
  throw new Error(`${detail ?? `The report server answered ${response.status}.`}${id ? ` (${code}, ${id})` : ''}`)
}

/** Only the newest answer of a kind is shown: an older question may be answered later. */
const newest = new Map()
/** @param {string} kind @param {() => Promise<any>} question @param {(answer: any) => void} show */
async function latest(kind, question, show) {
  const mine = (newest.get(kind) ?? 0) + 1
  newest.set(kind, mine)
  try {
    const answer = await question()
    if (newest.get(kind) === mine) {
      sayTrouble(kind, undefined)
      show(answer)
    }
  } catch (error) {
    if (newest.get(kind) !== mine) return
    sayTrouble(kind, error instanceof TypeError ? 'The report server doesn’t answer.' : error.message)
  }
}

/** What doesn't work at the moment, by question: one that is answered takes back only its own. @type {Map<string, string>} */
const troubles = new Map()
/** @param {string} kind @param {string | undefined} message */
function sayTrouble(kind, message) {
  if (message) troubles.set(kind, message)
  else troubles.delete(kind)
  byId('trouble').hidden = troubles.size === 0
  byId('trouble').textContent = [...new Set(troubles.values())].join(' ')
}

/** @type {{ id: string, title: string }[]} */
let reports = []
/** What is on the screen; null: nothing yet. @type {{ report: string | null, list: string | null, order: string }} */
let shown = { report: null, list: null, order: '' }

function render() {
  const from = address()
  const report = reports.some(({ id }) => id === from.get('report')) ? from.get('report') : reports[0]?.id
  renderTabs(report ?? '')
  renderFilters()
  const reportKey = `${report}?${filters()}`
  if (report && reportKey !== shown.report) loadReport(report, reportKey)
  const listKey = listQuery().toString()
  if (listKey !== shown.list) loadList(listKey)
  const order = from.get('order') ?? ''
  if (order !== shown.order) loadOrder(order)
}

/** @param {string} current */
function renderTabs(current) {
  byId('tabs').replaceChildren(
    ...reports.map(({ id, title }) =>
      h(
        'a',
        {
          href: `?report=${encodeURIComponent(id)}`,
          'aria-current': id === current && 'page',
          onclick: (/** @type {MouseEvent} */ event) => {
            if (event.metaKey || event.ctrlKey) return
            event.preventDefault()
            go({ report: id })
          },
        },
        title,
      ),
    ),
  )
  const title = reports.find(({ id }) => id === current)?.title
  document.title = title ? `${title} · tributary` : 'tributary'
}

function renderFilters() {
  const from = address()
  const form = byId('filters')
  for (const name of FILTERS) {
    const field = form.elements.namedItem(name)
    if (field.type === 'checkbox') field.checked = from.has(name)
    else if (field.value !== (from.get(name) ?? '')) field.value = from.get(name) ?? ''
  }
  byId('clear').hidden = filters().size === 0
  const search = byId('search')
  if (document.activeElement !== search) search.value = from.get('q') ?? ''
  byId('sort').value = from.get('sort') ?? 'newest'
}

/** @param {string} report @param {string} key */
function loadReport(report, key) {
  shown.report = key
  return latest(
    'report',
    () => ask(`api/reports/${encodeURIComponent(report)}?${filters()}`),
    ({ panels }) => {
      const numbers = panels.filter((/** @type {any} */ panel) => !panel.split)
      const charts = panels.filter((/** @type {any} */ panel) => panel.split)
      const focused = document.activeElement?.closest('[data-key]')?.getAttribute('data-key')
      const within = document.activeElement?.closest('article')?.id
      byId('numbers').replaceChildren(...numbers.map(numberCard))
      byId('charts').replaceChildren(
        ...charts.map((/** @type {any} */ panel) =>
          chartCard(panel, address().get(panel.drill) ?? undefined, panel.drill && drill(panel.drill, panel.interval)),
        ),
      )
      const named = byId('charts').querySelectorAll('.chart:not(.time)')
      if (named.length % 3 !== 0) {
        const style = named.length === 1 ? 'wide' : 'half'
        for (const card of named.length % 2 === 0 || named.length === 1 ? named : []) card.classList.add(style)
      }
      // What had the keyboard keeps it.
      if (focused && within)
        byId(within)
          ?.querySelector(`[data-key="${CSS.escape(focused)}"]`)
          ?.focus({ preventScroll: true })
    },
  )
}

/** Choosing a bar narrows everything to it; choosing it again takes that back. @param {string} filter @param {string} interval */
function drill(filter, interval) {
  return (/** @type {string} */ key) => {
    if (filter !== 'day') return go({ [filter]: address().get(filter) === key ? undefined : key, page: undefined })
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

function listQuery() {
  const query = filters()
  for (const name of ['q', 'sort', 'page']) {
    const value = address().get(name)
    if (value) query.set(name, value)
  }
  return query
}

/** @param {string} key */
function loadList(key) {
  shown.list = key
  const csv = listQuery()
  csv.delete('page')
  byId('csv').href = `api/orders.csv?${csv}`
  return latest(
    'list',
    () => ask(`api/orders?${key}`),
    ({ orders, total, page, size }) => {
      byId('total').textContent = total.toLocaleString('en-US')
      byId('total').dataset.value = total
      byId('orders').replaceChildren(...orders.map(row))
      byId('none').hidden = orders.length > 0
      byId('page').textContent =
        total === 0
          ? ''
          : `${(page * size + 1).toLocaleString('en-US')}–${(page * size + orders.length).toLocaleString('en-US')}`
      byId('previous').disabled = page === 0
      byId('next').disabled = (page + 1) * size >= Math.min(total, 10_000)
      const sort = address().get('sort') ?? 'newest'
      byId('previous').textContent = { newest: '← Newer', oldest: '← Older' }[sort] ?? '← Back'
      byId('next').textContent = { newest: 'Older →', oldest: 'Newer →' }[sort] ?? 'Next →'
    },
  )
}

/** @param {any} order */
function row(order) {
  const { customer } = order
  const open = () => go({ order: order.orderId })
  const place = [customer?.city, customer?.state].filter(Boolean).join(', ')
  return h(
    'tr',
    { onclick: open, 'data-order': order.orderId },
    h('td', {}, h('button', { class: 'open', type: 'button', title: order.orderId }, h('bdi', {}, order.orderId))),
    h('td', { class: 'when' }, writeMoment(order.purchasedAt) ?? '–'),
    h('td', { class: 'where', title: place }, place ? h('bdi', {}, place) : '–'),
    h('td', { class: 'num items' }, order.itemCount),
    h('td', { class: 'num total' }, writeMoney(order.totalCents)),
    h('td', { class: 'num paid' }, writeMoney(order.paidCents)),
    h('td', { class: 'score' }, stars(order.reviewScore)),
    h(
      'td',
      { class: 'status' },
      statusBadge(order.status),
      order.late === true && [' ', h('span', { class: 'badge late' }, 'late')],
    ),
  )
}

/** @param {string} order */
function loadOrder(order) {
  shown.order = order
  if (!order) {
    newest.set('order', (newest.get('order') ?? 0) + 1)
    byId('detail').close()
    sayTrouble('order', undefined)
    return
  }
  return latest('order', () => ask(`api/order?id=${encodeURIComponent(order)}`), showOrder)
}

async function loadState() {
  try {
    const { freshness, letters, concerns } = await ask('api/state')
    showFreshness(freshness)
    showLetters(letters)
    showConcerns(concerns)
  } catch {
    showFreshness(undefined)
  }
}

async function loadChoices() {
  const choices = await ask('api/choices').catch(() => ({}))
  for (const name of ['state', 'category', 'status']) {
    const select = byId('filters').elements.namedItem(name)
    const values = [...(choices[name] ?? [])]
    const chosen = address().get(name)
    if (chosen && !values.includes(chosen)) values.push(chosen)
    select.replaceChildren(select.options[0], ...values.map((value) => h('option', { value }, humane(value))))
    select.value = chosen ?? ''
  }
}

function listen() {
  const form = byId('filters')
  form.addEventListener('change', () => {
    const data = new FormData(form)
    go(Object.fromEntries([...FILTERS.map((name) => [name, String(data.get(name) ?? '')]), ['page', undefined]]))
  })
  form.addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault())
  byId('clear').addEventListener('click', () => {
    go(Object.fromEntries([...FILTERS, 'page'].map((name) => [name, undefined])))
    form.elements.namedItem('from').focus()
  })
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
  const dialog = byId('detail')
  dialog.addEventListener('close', () => address().has('order') && go({ order: undefined }))
  for (const one of [dialog, byId('letters')])
    one.addEventListener('click', (/** @type {Event} */ event) => event.target === one && one.close())
  addEventListener('popstate', render)
  addEventListener('keydown', (event) => {
    if (
      event.key === '/' &&
      !document.querySelector('dialog[open]') &&
      !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '')
    ) {
      event.preventDefault()
      byId('search').focus()
    }
  })
  setInterval(() => document.visibilityState === 'visible' && loadState(), STATE_MS)
  setInterval(() => {
    if (document.visibilityState !== 'visible' || byId('detail').open || byId('letters').open) return
    shown = { ...shown, report: null, list: null }
    render()
  }, REFRESH_MS)
}

async function start() {
  listen()
  loadState()
  for (;;) {
    try {
      reports = (await ask('api/reports')).reports
      break
    } catch {
      sayTrouble('reports', 'The report server doesn’t answer.')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
  sayTrouble('reports', undefined)
  render()
  await loadChoices()
  renderFilters()
}

start()
