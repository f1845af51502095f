import { type Marketplace, type Status, statuses } from './marketplace.ts'
import { statusAfter } from './outcome.ts'
import { commandsOf, type Kind, kinds, mastersOf, mastersWithoutOrder } from './script.ts'

/** What playing a marketplace does, without doing it. Money in cents. */
export interface Summary {
  readonly orders: number
  readonly commands: Readonly<Record<Kind, number>>
  readonly statuses: Readonly<Record<Status, number>>
  readonly itemsCents: number
  readonly freightCents: number
  readonly paidCents: number
  /** Orders the script would leave in another status than the marketplace says. */
  readonly wrong: readonly string[]
}

/** Goes through the script of the whole marketplace. */
export function summarise(market: Marketplace): Summary {
  const commands = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>
  const ends = Object.fromEntries(statuses.map((status) => [status, 0])) as Record<Status, number>
  const told = new Set<string>()
  const wrong: string[] = []
  let [itemsCents, freightCents, paidCents] = [0, 0, 0]
  for (const master of mastersWithoutOrder(market)) commands[master.command().kind]++
  for (const order of market.orders) {
    for (const master of mastersOf(market, order)) {
      if (!told.has(master.id)) commands[master.command().kind]++
      told.add(master.id)
    }
    const life = commandsOf(order)
    for (const command of life) commands[command.kind]++
    const end = statusAfter(life)
    if (end !== undefined) ends[end]++
    if (end !== order.status) wrong.push(order.orderId)
    for (const item of order.items) {
      itemsCents += item.priceCents
      freightCents += item.freightCents
    }
    for (const payment of order.payments) paidCents += payment.cents
  }
  return { orders: market.orders.length, commands, statuses: ends, itemsCents, freightCents, paidCents, wrong }
}

/** The summary as lines for a person. */
export function describeSummary(summary: Summary): string {
  const total = Object.values(summary.commands).reduce((sum, count) => sum + count, 0)
  const lines = [
    `${figure(summary.orders)} orders, ${figure(total)} commands`,
    ...Object.entries(summary.commands).map(([kind, count]) => `  ${kind.padEnd(12)} ${figure(count).padStart(10)}`),
    'status at the end',
    ...Object.entries(summary.statuses).map(([name, count]) => `  ${name.padEnd(12)} ${figure(count).padStart(10)}`),
    `items     ${money(summary.itemsCents).padStart(15)}`,
    `freight   ${money(summary.freightCents).padStart(15)}`,
    `payments  ${money(summary.paidCents).padStart(15)}`,
  ]
  if (summary.wrong.length > 0) {
    lines.push(`${summary.wrong.length} orders would end in another status than theirs: ${summary.wrong.slice(0, 5)}`)
  }
  return lines.join('\n')
}

/** A whole number with thousands apart. */
export function figure(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

function money(cents: number): string {
  return `${figure(Math.floor(cents / 100))}.${String(cents % 100).padStart(2, '0')}`
}
