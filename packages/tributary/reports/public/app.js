import { address, following, go, onChange } from './address.js'
import { ask, latest, sayTrouble } from './ask.js'
import { chartCard, numberCard } from './charts.js'
import { drawDocument, listenToDocument, takeViews } from './document.js'
import { byId, h } from './dom.js'
import { drawFilters, drill, fillChoices, filterValues, listenToFilters } from './filters.js'
import { writeAs } from './format.js'
import { drawList, listenToList, refreshList } from './list.js'
import { showConcerns, showFreshness, showLetters } from './state.js'

const STATE_MS = 3_000
const REFRESH_MS = 10_000

/**
 * What the server says of its reports.
 * @type {{ title: string, reports: { id: string, title: string, filters: any[], list?: any }[] }}
 */
let described = { title: '', reports: [] }
/** The report that is on the screen, with its filters, and the one whose choices are. */
let shownReport = ''
let shownChoices = ''

function render() {
  const { reports } = described
  const report = reports.find(({ id }) => id === address().get('report')) ?? reports[0]
  renderTabs(report)
  if (!report) return
  drawFilters(report.filters)
  if (report.id !== shownChoices) loadChoices(report.id)
  const key = `${report.id}?${filterValues()}`
  if (key !== shownReport) loadReport(report.id, key)
  drawList(report.id, report.list)
  drawDocument()
}

/** @param {{ id: string, title: string } | undefined} current */
function renderTabs(current) {
  byId('tabs').replaceChildren(
    ...described.reports.map(({ id, title }) =>
      h(
        'a',
        {
          href: `?report=${encodeURIComponent(id)}`,
          'aria-current': id === current?.id && 'page',
          onclick: following(() => go({ report: id })),
        },
        title,
      ),
    ),
  )
  document.title = current ? `${current.title} · ${described.title}` : described.title
}

/** @param {string} report @param {string} key */
function loadReport(report, key) {
  shownReport = key
  return latest(
    'report',
    () => ask(`api/reports/${encodeURIComponent(report)}?${filterValues()}`),
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

/** @param {string} report */
async function loadChoices(report) {
  shownChoices = report
  const choices = await ask(`api/reports/${encodeURIComponent(report)}/choices`).catch(() => undefined)
  if (choices && shownChoices === report) fillChoices(choices)
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

function listen() {
  listenToFilters()
  listenToList()
  listenToDocument()
  for (const one of [byId('detail'), byId('letters')])
    one.addEventListener('click', (/** @type {Event} */ event) => event.target === one && one.close())
  onChange(render)
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
    shownReport = ''
    refreshList()
    render()
  }, REFRESH_MS)
}

async function start() {
  listen()
  loadState()
  for (;;) {
    try {
      const answer = await ask('api/reports')
      writeAs(answer)
      takeViews(answer.documents)
      described = answer
      document.documentElement.lang = answer.language
      byId('brand').textContent = answer.title
      break
    } catch {
      sayTrouble('reports', 'The report server doesn’t answer.')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
  sayTrouble('reports', undefined)
  render()
}

start()
