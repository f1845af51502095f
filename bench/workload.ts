/** One change: a command to a service, and by what one sees that it has arrived. */
export interface Step {
  readonly service: string
  readonly method: string
  readonly path: string
  readonly body: unknown
  /** Idempotency key, and the change's name in the measurement. */
  readonly key: string
  readonly orderId: string
  readonly kind: 'placed' | 'approved' | 'paid'
  /** The documents of the other read models that a placed order appears in. */
  readonly others?: { readonly sales: string; readonly customers: string; readonly sellers: string }
}

/** What an order's row or document must show for a change to have arrived, whole: joined with customer and category. */
export function shows(step: Step, row: OrderView): boolean {
  switch (step.kind) {
    case 'placed':
      return row.items.length === 1 && row.items[0]?.category === 'bench' && row.customer?.state != null
    case 'approved':
      return row.status === 'approved'
    case 'paid':
      return row.payments.length === 1
  }
}

/** The part of an order's row that a change is recognised by. */
export interface OrderView {
  readonly status?: string | null
  readonly customer?: { readonly state?: string | null } | null
  readonly items: readonly { readonly category: string }[]
  readonly payments: readonly unknown[]
}

type Master = Pick<Step, 'service' | 'method' | 'path' | 'body' | 'key'>

/**
 * `count` changes: orders placed, approved and paid in turn, the later ones of an order well after its first. Every
 * order has a customer, a seller and a state of its own, so that each of its rows can be told apart.
 */
export function workload(run: string, count: number): { masters: Master[]; steps: Step[] } {
  const orders = Math.ceil(count / 3)
  const post = (service: string, path: string, body: object, key: string): Master => ({
    service,
    method: 'POST',
    path,
    body,
    key: `${run}-${key}`,
  })
  const masters: Master[] = [post('catalog', '/products', { productId: `${run}-p`, category: 'bench' }, 'p')]
  for (let i = 0; i < orders; i++) {
    const address = { zip: '00000', city: 'bench', state: `${run}-${i}` }
    masters.push(
      post('customers', '/customers', { customerId: `${run}-c${i}`, uniqueId: `${run}-u${i}`, ...address }, `c${i}`),
    )
    masters.push(post('catalog', '/sellers', { sellerId: `${run}-s${i}`, ...address }, `s${i}`))
  }
  /** An order is paid and approved this many orders after it was placed: subscribers have learned of it by then. */
  const lag = Math.min(100, Math.floor(orders / 2))
  const steps: Step[] = []
  for (let i = 0; i < orders + lag && steps.length < count; i++) {
    if (i < orders) steps.push(placed(run, i))
    if (i >= lag) {
      const orderId = `${run}-${i - lag}`
      steps.push({
        ...post('orders', `/orders/${orderId}/approve`, { approvedAt: '2018-08-07T11:00:00Z' }, `a${i - lag}`),
        orderId,
        kind: 'approved',
      })
      const payment = { orderId, sequence: 1, type: 'voucher', installments: 1, cents: 1_100 }
      steps.push({ ...post('payments', '/payments', payment, `m${i - lag}`), orderId, kind: 'paid' })
    }
  }
  return { masters, steps: steps.slice(0, count) }
}

function placed(run: string, i: number): Step {
  const orderId = `${run}-${i}`
  const items = [
    { itemNo: 1, productId: `${run}-p`, sellerId: `${run}-s${i}`, priceCents: 1_000, freightCents: 100, shipBy: null },
  ]
  return {
    service: 'orders',
    method: 'POST',
    path: '/orders',
    body: { orderId, customerId: `${run}-c${i}`, purchasedAt: '2018-08-07T10:00:00Z', estimatedAt: null, items },
    key: `${run}-o${i}`,
    orderId,
    kind: 'placed',
    others: { sales: `2018-08-07|${run}-${i}|bench`, customers: `${run}-u${i}`, sellers: `${run}-s${i}` },
  }
}
