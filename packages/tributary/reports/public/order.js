import { byId, h } from './dom.js'
import { humane, writeMoment, writeMoney } from './format.js'

/** @param {number | undefined} score */
export function stars(score) {
  if (score === undefined) return h('span', { class: 'muted' }, '–')
  // One that was taken before scores had to be 1 to 5 is shown by its number.
  const drawn = score >= 0 && score <= 5 ? '★'.repeat(score) + '☆'.repeat(5 - score) : `${score} ★`
  return h('span', { class: 'stars', role: 'img', 'aria-label': `${score} of 5` }, drawn)
}

/** @param {string | undefined} status */
export const statusBadge = (status) => h('span', { class: `badge ${status ?? ''}` }, status ?? 'unknown')

/**
 * Shows an order with all of its parts on one screen.
 * @param {any} order a document of the read model `orders`
 */
export function showOrder(order) {
  const dialog = byId('detail')
  dialog.replaceChildren(detail(order, () => dialog.close()))
  if (!dialog.open) dialog.showModal()
  dialog.scrollTop = 0
}

/** @param {any} order @param {() => void} close */
function detail(order, close) {
  const { customer, items, payments } = order
  return h(
    'div',
    { class: 'detail' },
    h(
      'div',
      { class: 'detail-head' },
      h(
        'div',
        {},
        h('h2', { id: 'detail-title' }, h('bdi', {}, order.orderId)),
        h(
          'div',
          { class: 'badges' },
          statusBadge(order.status),
          order.late === true && h('span', { class: 'badge late' }, 'late'),
          order.deliveryDays !== undefined && h('span', { class: 'badge' }, `${order.deliveryDays} days to deliver`),
          stars(order.reviewScore),
        ),
      ),
      h('button', { type: 'button', class: 'close', onclick: close, autofocus: true }, 'Close'),
    ),
    h(
      'ol',
      { class: 'steps', 'aria-label': 'The life of the order' },
      [
        ['Purchased', order.purchasedAt],
        ['Approved', order.approvedAt],
        ['Shipped', order.shippedAt],
        ['Delivered', order.deliveredAt],
        ['Estimated', order.estimatedAt],
      ].map(([name, at]) =>
        h(
          'li',
          { class: at !== undefined && name !== 'Estimated' ? 'reached' : '' },
          h('b', {}, name),
          at === undefined ? h('span', { class: 'muted' }, 'not known') : h('time', { datetime: at }, writeMoment(at)),
        ),
      ),
    ),
    h(
      'div',
      { class: 'parts' },
      h(
        'section',
        {},
        h('h3', {}, 'Customer'),
        facts([
          ['Person', customer?.uniqueId, 'id'],
          ['Customer', customer?.customerId, 'id'],
          ['City', customer?.city],
          ['State', customer?.state],
          ['Zip', customer?.zip],
        ]),
      ),
      h(
        'section',
        {},
        h('h3', {}, 'Sums'),
        facts(
          [
            ['Items', writeMoney(order.itemsCents)],
            ['Freight', writeMoney(order.freightCents)],
            ['Total', writeMoney(order.totalCents), 'strong'],
            ['Paid', writeMoney(order.paidCents)],
            ['Balance', writeMoney(order.balanceCents), order.balanceCents === 0 ? '' : 'strong'],
          ],
          'sums',
        ),
      ),
    ),
    h(
      'section',
      {},
      h('h3', {}, `Items (${items.length})`),
      table(
        ['No', 'Product', 'Category', 'Seller', 'Ship by', '#Price', '#Freight'],
        items.map((/** @type {any} */ item) => [
          item.itemNo,
          id(item.productId),
          humane(item.category),
          id(item.sellerId),
          writeMoment(item.shipBy) ?? '–',
          writeMoney(item.priceCents),
          writeMoney(item.freightCents),
        ]),
        'No items.',
      ),
    ),
    h(
      'section',
      {},
      h('h3', {}, `Payments (${payments.length})`),
      table(
        ['No', 'Means', '#Installments', '#Amount'],
        payments.map((/** @type {any} */ payment) => [
          payment.sequence,
          humane(payment.type),
          payment.installments,
          writeMoney(payment.cents),
        ]),
        'No payments.',
      ),
    ),
  )
}

/** @param {string} text */
const id = (text) => h('div', { class: 'id', title: text }, h('bdi', {}, text))

/** @param {(string | undefined)[][]} rows name, value, class @param {string} [kind] */
function facts(rows, kind = '') {
  return h(
    'dl',
    { class: `facts ${kind}` },
    rows.flatMap(([name, value, style]) => [h('dt', {}, name), h('dd', { class: style ?? '' }, value ?? '–')]),
  )
}

/** @param {string[]} heads `#` marks a column of figures @param {any[][]} rows @param {string} none */
function table(heads, rows, none) {
  if (rows.length === 0) return h('p', { class: 'muted' }, none)
  const kind = (/** @type {number} */ at) => ({ class: heads[at]?.startsWith('#') ? 'num' : '' })
  return h(
    'div',
    {
      class: 'scroll',
      tabindex: 0,
      role: 'region',
      'aria-label': heads.map((head) => head.replace('#', '')).join(', '),
    },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          heads.map((head, at) => h('th', kind(at), head.replace('#', ''))),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((row) =>
          h(
            'tr',
            {},
            row.map((cell, at) => h('td', kind(at), cell)),
          ),
        ),
      ),
    ),
  )
}
