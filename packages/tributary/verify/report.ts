import { printable } from '#runtime/printable'
import { differingFields, type Totals } from './compare.ts'
import type { Verified } from './verify.ts'

/** How many differing documents are shown with both sides. */
const SHOWN = 5

/** What verification found, for a person: counts, money totals, and the first differing documents with both sides. */
export function describe(results: readonly Verified[]): string {
  return results.map(describeOne).join('\n')
}

function describeOne(result: Verified): string {
  const { readModel, expected, found, differedAtFirst, differences, setAside, failure } = result
  const parts = [
    failure !== undefined && 'NOT COMPARED',
    differences.length > 0 && `${differences.length} DIFFERENT`,
    setAside.length > 0 && `${setAside.length} SET ASIDE`,
  ].filter(Boolean)
  const lines = [`${readModel}: ${parts.length === 0 ? 'equal' : parts.join(', ')}`]
  if (failure !== undefined) lines.push(`  ${failure}`)
  else lines.push(...table(expected, found))
  const open = differences.length + setAside.length
  if (differedAtFirst > open)
    lines.push(`  ${differedAtFirst - open} documents were still on their way at the first look`)
  for (const { key, kind, expected: wanted, found: got } of differences.slice(0, SHOWN)) {
    lines.push(`  ${key} is ${kind}${kind === 'changed' ? `: ${differingFields(wanted, got).join(', ')}` : ''}`)
    lines.push(`    services: ${wanted ? JSON.stringify(wanted) : '(nothing)'}`)
    lines.push(`    index:    ${got ? JSON.stringify(got) : '(nothing)'}`)
  }
  if (differences.length > SHOWN) lines.push(`  … and ${differences.length - SHOWN} more`)
  for (const { difference, letter } of setAside.slice(0, SHOWN)) {
    lines.push(`  ${difference.key} is ${difference.kind}: set aside since ${letter.at} (${letter.reason})`)
    lines.push(`    tributary dead-letters show ${letter.id}`)
  }
  if (setAside.length > SHOWN) lines.push(`  … and ${setAside.length - SHOWN} more, see: tributary dead-letters list`)
  return lines.map(printable).join('\n')
}

function table(expected: Totals, found: Totals): string[] {
  const names = ['documents', ...new Set([...Object.keys(expected.sums), ...Object.keys(found.sums)])]
  const value = (totals: Totals, name: string) =>
    name === 'documents' ? BigInt(totals.documents) : (totals.sums[name] ?? 0n)
  return names.map((name) => {
    const [wanted, got] = [value(expected, name), value(found, name)]
    const mark = wanted === got ? '' : '  ≠'
    return `  ${name.padEnd(14)} services ${written(name, wanted)}  index ${written(name, got)}${mark}`
  })
}

function written(name: string, value: bigint): string {
  const digits = String(value < 0 ? -value : value)
  const units = name.endsWith('Cents')
    ? `${digits.padStart(3, '0').slice(0, -2)}.${digits.padStart(3, '0').slice(-2)}`
    : digits
  return `${value < 0 ? '-' : ''}${units.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',')}`.padStart(15)
}
