import { byId, h, svg } from './dom.js'
import { kindOf, writeFigure, writePeriod, writeShort, writeTick, writeValue } from './format.js'

/**
 * @typedef {{ key: string, value: number | null }} Bar
 * @typedef {{ id: string, title: string, format: import('./format.js').Format, note?: string,
 *   unused: string[], drill?: string, split?: string, keys?: string,
 *   value?: number | null, bars?: Bar[], interval?: string, outside?: { documents: number, value: number | null },
 *   fault?: { code: string, id: string, message: string } }} Panel
 */

/** A single figure. @param {Panel} panel */
export function numberCard(panel) {
  if (panel.fault) return faultCard(panel, panel.fault, 'number')
  const value = h(
    'p',
    { class: 'value', 'data-value': panel.value ?? '' },
    writeFigure(panel.value ?? null, panel.format),
  )
  return h('article', { class: 'card number', id: `panel-${panel.id}` }, h('h2', {}, panel.title), value, note(panel))
}

/**
 * A panel that has no figures says why; the rest of the page stands.
 * @param {Panel} panel @param {{ code: string, id: string, message: string }} fault @param {string} kind
 */
function faultCard(panel, fault, kind) {
  return h(
    'article',
    { class: `card ${kind} faulty`, id: `panel-${panel.id}`, 'data-fault': fault.code },
    h('h2', {}, panel.title),
    h('p', { class: 'fault' }, fault.message),
    h('p', { class: 'note' }, `${fault.code} · ${fault.id}`),
  )
}

/**
 * Bars, over time or by kind.
 * @param {Panel} panel
 * @param {string | undefined} chosen the bar that is the filter now
 * @param {((key: string) => void) | undefined} choose
 */
export function chartCard(panel, chosen, choose) {
  const time = panel.split === 'time'
  if (panel.fault) return faultCard(panel, panel.fault, time ? 'chart time' : 'chart')
  const bars = panel.bars ?? []
  const body =
    bars.length === 0
      ? h('p', { class: 'muted none' }, 'Nothing in this period.')
      : time
        ? timeBars(panel, bars, panel.interval ?? 'day', choose)
        : namedBars(panel, bars, chosen, choose)
  return h(
    'article',
    { class: `card chart ${time ? 'time' : ''}`, id: `panel-${panel.id}` },
    h('h2', {}, panel.title),
    body,
    note(panel),
  )
}

/** @param {Panel} panel */
const note = ({ note, unused, outside, format }) => [
  note && h('p', { class: 'note' }, note),
  outside &&
    h(
      'p',
      { class: 'note outside', 'data-value': outside.value ?? '' },
      `Too far from all others for this axis: ${writeFigure(outside.value, format)}` +
        (outside.value === outside.documents ? '.' : ` (in ${writeFigure(outside.documents, 'number')} documents).`),
    ),
  unused.length > 0 && h('p', { class: 'note unused' }, `Not narrowed by ${unused.join(', ')}.`),
]

/** @param {Panel} panel @param {Bar[]} bars @param {string | undefined} chosen @param {((key: string) => void) | undefined} choose */
function namedBars(panel, bars, chosen, choose) {
  const most = Math.max(...bars.map((bar) => bar.value ?? 0), 0)
  return h(
    'ul',
    { class: 'bars' },
    bars.map((bar) => {
      const filled = h('span', { class: 'fill' })
      filled.style.width = most > 0 ? `${(100 * (bar.value ?? 0)) / most}%` : '0'
      const inside = [
        h('span', { class: 'name', title: bar.key }, writeValue(bar.key, panel.keys ?? 'text')),
        h('span', { class: 'track', 'aria-hidden': 'true' }, filled),
        h(
          'span',
          { class: 'value', 'data-value': bar.value ?? '', title: writeFigure(bar.value, panel.format) },
          kindOf(panel.format) === 'money' ? writeShort(bar.value, panel.format) : writeFigure(bar.value, panel.format),
        ),
      ]
      const is = { class: `row ${bar.key === chosen ? 'chosen' : ''}`, 'data-key': bar.key }
      const pressed = String(bar.key === chosen)
      return h(
        'li',
        {},
        choose
          ? h('button', { ...is, type: 'button', 'aria-pressed': pressed, onclick: () => choose(bar.key) }, ...inside)
          : h('div', is, ...inside),
      )
    }),
  )
}

const LEFT = 54
const BOTTOM = 22
const TOP = 8

/** @param {Panel} panel @param {Bar[]} bars @param {string} interval @param {((key: string) => void) | undefined} choose */
function timeBars(panel, bars, interval, choose) {
  const plot = h('div', { class: `plot ${choose ? 'drills' : ''}` })
  let drawnWidth = 0
  const draw = () => {
    const { clientWidth: width, clientHeight: height } = plot
    if (width === 0 || width === drawnWidth) return
    drawnWidth = width
    plot.replaceChildren(drawTimeBars(panel, bars, interval, choose, width, height))
  }
  new ResizeObserver(draw).observe(plot)
  return plot
}

/**
 * @param {Panel} panel @param {Bar[]} bars @param {string} interval @param {((key: string) => void) | undefined} choose
 * @param {number} width @param {number} height
 */
function drawTimeBars(panel, bars, interval, choose, width, height) {
  const { ticks, top } = scale(
    Math.max(...bars.map((bar) => bar.value ?? 0), 0),
    bars.every((bar) => Number.isInteger(bar.value ?? 0)),
  )
  const plotHeight = height - BOTTOM - TOP
  const y = (/** @type {number} */ value) => TOP + plotHeight * (1 - value / top)
  const step = (width - LEFT) / bars.length
  const barWidth = Math.max(1, Math.min(step - Math.min(3, step * 0.25), 44))

  const grid = ticks.flatMap((tick) => [
    svg('line', { class: 'grid', x1: LEFT, x2: width, y1: y(tick), y2: y(tick) }),
    svg('text', { x: LEFT - 8, y: y(tick) + 4, 'text-anchor': 'end' }, writeShort(tick, panel.format)),
  ])
  const every = Math.max(1, Math.ceil(bars.length / Math.max(2, Math.floor((width - LEFT) / 86))))
  const labels = bars.flatMap((bar, at) => {
    const x = LEFT + step * (at + 0.5)
    return at % every === 0 && x + 30 < width + 4
      ? [svg('text', { x, y: height - 5, 'text-anchor': 'middle' }, writeTick(bar.key, interval))]
      : []
  })

  /** @type {SVGElement[]} */
  const slots = bars.map((bar, at) => {
    const x = LEFT + step * at
    const value = bar.value ?? 0
    const words = `${writePeriod(bar.key, interval)}: ${writeFigure(bar.value, panel.format)}`
    return /** @type {SVGElement} */ (
      svg(
        'g',
        {
          class: 'slot',
          role: choose ? 'button' : 'img',
          'aria-label': words,
          tabindex: at === bars.length - 1 ? 0 : -1,
          'data-key': bar.key,
          'data-value': bar.value ?? '',
        },
        svg('rect', { class: 'hit', x, y: TOP, width: step, height: plotHeight }),
        value > 0 &&
          svg('path', { class: 'bar', d: rounded(x + (step - barWidth) / 2, y(value), barWidth, y(0) - y(value)) }),
      )
    )
  })
  const indexOf = (/** @type {EventTarget | null} */ target) =>
    slots.findIndex((slot) => target instanceof Node && slot.contains(target))
  const show = (/** @type {number} */ at) => {
    const slot = slots[at]
    const bar = bars[at]
    if (!slot || !bar) return
    const box = slot.getBoundingClientRect()
    showTip(writeFigure(bar.value, panel.format), writePeriod(bar.key, interval), box.left + box.width / 2, box.top)
  }
  return svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      role: 'group',
      'aria-label': `${panel.title}. Arrow keys move from bar to bar${choose ? ', Enter narrows the report to it' : ''}.`,
      onpointermove: (/** @type {PointerEvent} */ event) => show(indexOf(event.target)),
      onpointerleave: hideTip,
      onfocusin: (/** @type {FocusEvent} */ event) => show(indexOf(event.target)),
      onfocusout: hideTip,
      onclick: (/** @type {MouseEvent} */ event) => {
        const bar = bars[indexOf(event.target)]
        if (bar) choose?.(bar.key)
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const at = indexOf(event.target)
        const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: bars.length - 1 }[event.key]
        if (to !== undefined && slots[to]) {
          event.preventDefault()
          slots[at]?.setAttribute('tabindex', '-1')
          slots[to].setAttribute('tabindex', '0')
          slots[to].focus()
        } else if ((event.key === 'Enter' || event.key === ' ') && bars[at]) {
          event.preventDefault()
          choose?.(bars[at].key)
        }
      },
    },
    ...grid,
    ...labels,
    ...slots,
  )
}

/** Round steps for an axis that reaches the greatest value. @param {number} greatest @param {boolean} whole all values are */
function scale(greatest, whole) {
  if (greatest <= 0) return { ticks: [0], top: 1 }
  const rough = greatest / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  let step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough
  if (whole) step = Math.max(1, Math.round(step))
  const steps = Math.ceil(greatest / step)
  return { ticks: Array.from({ length: steps + 1 }, (_, at) => at * step), top: steps * step }
}

/** A bar with a round head. @param {number} x @param {number} y @param {number} width @param {number} height */
function rounded(x, y, width, height) {
  const r = Math.min(4, width / 2, height)
  return `M${x} ${y + height}v${r - height}q0 ${-r} ${r} ${-r}h${width - 2 * r}q${r} 0 ${r} ${r}v${height - r}z`
}

/** @param {string} figure @param {string} label @param {number} x @param {number} y */
function showTip(figure, label, x, y) {
  const tip = byId('tip')
  tip.replaceChildren(h('b', {}, figure), label)
  tip.hidden = false
  const { width, height } = tip.getBoundingClientRect()
  tip.style.left = `${Math.min(Math.max(6, x - width / 2), innerWidth - width - 6)}px`
  tip.style.top = `${Math.max(6, y - height - 8)}px`
}

function hideTip() {
  byId('tip').hidden = true
}
