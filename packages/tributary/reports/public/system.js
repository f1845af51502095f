import { ask } from './ask.js'
import { byId, h } from './dom.js'
import { drawingOf } from './drawing.js'

/**
 * See catalogue.ts and page.ts.
 * @typedef {{ name: string, subject: string, doc?: string, example: unknown,
 *   fields: { name: string, type: string, doc?: string }[] }} SystemRecord
 * @typedef {{ name: string, does: string, writers: string[], readers: string[], records: SystemRecord[] }} Topic
 */

async function start() {
  const trouble = byId('trouble')
  try {
    show(await ask('api/system'))
    trouble.hidden = true
  } catch (error) {
    trouble.textContent = error instanceof TypeError ? 'The report server doesn’t answer.' : error.message
    trouble.hidden = false
  }
  // What the address names is there only now.
  open(location.hash)
  addEventListener('hashchange', () => open(location.hash))
}

/** Shows what an address names, and opens it. @param {string} hash */
function open(hash) {
  const target = document.getElementById(decodeURIComponent(hash.slice(1)))
  if (target instanceof HTMLDetailsElement) target.open = true
  target?.scrollIntoView()
}

/** @param {any} system */
function show(system) {
  const { title, services, topologies, readModels, reports, overview, drawings, ports } = system
  document.title = `System · ${title}`
  byId('brand').textContent = title
  byId('overview').replaceChildren(drawingOf(overview, 'Services, topologies and read models'))
  tiles('services').append(...services.map((/** @type {any} */ one) => serviceOf(one, ports[one.name])))
  byId('topics').append(...topicsOf(system).map(topicOf))
  byId('topologies').append(
    ...topologies.map((/** @type {any} */ { name, reads, writes }) =>
      h(
        'article',
        { class: 'card', id: `topology-${name}` },
        h('h3', {}, name),
        facts([
          ['reads', reads.map(topicLink)],
          ['writes', writes.map(topicLink)],
        ]),
        h('div', { class: 'drawing' }, drawingOf(drawings[name], `The topology ${name}`)),
      ),
    ),
  )
  tiles('read-models').append(
    ...readModels.map((/** @type {any} */ { name, topic, row }) =>
      h(
        'article',
        { class: 'card', id: `read-model-${name}` },
        h('h3', {}, name),
        row.doc && h('p', { class: 'muted' }, row.doc),
        facts([
          ['kept from', [topicLink(topic)]],
          ['shown in', reports.filter((/** @type {any} */ one) => one.readModels.includes(name)).map(reportLink)],
        ]),
      ),
    ),
  )
  tiles('reports').append(
    ...reports.map((/** @type {any} */ report) =>
      h(
        'article',
        { class: 'card' },
        h('h3', {}, reportLink(report)),
        facts([['made of', report.readModels.map((/** @type {string} */ name) => link(`read-model-${name}`, name))]]),
      ),
    ),
  )
}

/** @param {string} section */
const tiles = (section) => byId(section).querySelector('.tiles')

/** @param {string} id @param {string} text */
const link = (id, text) => h('a', { href: `#${encodeURIComponent(id)}` }, text)
/** @param {string} topic */
const topicLink = (topic) => link(`topic-${topic}`, topic)
/** @param {{ id: string, title: string }} report */
const reportLink = ({ id, title }) => h('a', { href: `./?report=${encodeURIComponent(id)}` }, title)

/** @param {[string, (Node | string)[]][]} rows */
function facts(rows) {
  return h(
    'dl',
    { class: 'facts' },
    rows.flatMap(([what, values]) => [
      h('dt', {}, what),
      h('dd', {}, values.length > 0 ? values.flatMap((value, at) => (at > 0 ? [', ', value] : [value])) : 'nothing'),
    ]),
  )
}

/** @param {any} service @param {number | undefined} port */
function serviceOf({ name, topic, events, subscribesTo }, port) {
  const routes = port === undefined ? undefined : `http://${location.hostname}:${port}`
  return h(
    'article',
    { class: 'card', id: `service-${name}` },
    h('h3', {}, name),
    facts([
      ['publishes', [topicLink(topic)]],
      ['events', events.map((/** @type {SystemRecord} */ one) => one.name)],
      ['subscribes to', subscribesTo.map(topicLink)],
    ]),
    routes !== undefined &&
      h(
        'p',
        { class: 'links' },
        h('a', { href: `${routes}/docs` }, 'Routes'),
        ' ',
        h('a', { href: `${routes}/openapi.json` }, 'OpenAPI'),
      ),
  )
}

/** Every topic, with who writes to it and who reads it. @param {any} system @returns {Topic[]} */
function topicsOf({ services, topologies, readModels }) {
  const words = (/** @type {string[]} */ names) => names.map((name) => name.replace(/\.inbox$/, ''))
  return [
    ...services.map((/** @type {any} */ { name, topic, events, readBy }) => ({
      name: topic,
      does: events.length === 1 ? '1 event' : `${events.length} events`,
      writers: [name],
      readers: words(readBy),
      records: events,
    })),
    ...readModels.map((/** @type {any} */ { name, topic, row, readBy }) => ({
      name: topic,
      does: 'rows',
      writers: topologies
        .filter((/** @type {any} */ { writes }) => writes.includes(topic))
        .map((/** @type {any} */ one) => `topology ${one.name}`),
      readers: [`read model ${name}`, ...words(readBy)],
      records: [row],
    })),
  ]
}

/** @param {Topic} topic */
function topicOf({ name, does, writers, readers, records }) {
  return h(
    'details',
    { class: 'card topic', id: `topic-${name}` },
    h('summary', {}, h('b', {}, name), ' ', h('span', { class: 'muted' }, does)),
    facts([
      ['written by', writers],
      ['read by', readers],
    ]),
    records.map(recordOf),
  )
}

/** @param {SystemRecord} record */
function recordOf({ name, subject, doc, fields, example }) {
  const cell = (/** @type {string} */ tag, /** @type {(Node | string | undefined)[]} */ ...of) => h(tag, {}, ...of)
  return h(
    'section',
    { class: 'record' },
    h('h4', {}, name, ' ', h('span', { class: 'muted' }, subject)),
    doc && h('p', { class: 'muted' }, doc),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Fields of ${name}` },
      h(
        'table',
        {},
        h('thead', {}, h('tr', {}, cell('th', 'Field'), cell('th', 'Type'), cell('th', ''))),
        h(
          'tbody',
          {},
          fields.map((field) => h('tr', {}, cell('td', field.name), cell('td', field.type), cell('td', field.doc))),
        ),
      ),
    ),
    h('pre', { 'aria-label': `An example of ${name}`, tabindex: 0 }, JSON.stringify(example, null, 2)),
  )
}

start()
