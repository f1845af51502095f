import { differingFields, type Totals } from './compare.ts'
import type { Verified } from './verify.ts'

/** How many differing documents are shown with both sides. */
const SHOWN = 5

/** What verification found, for a person: counts, money totals, and the first differing documents with both sides. */
export function describe(results: readonly Verified[]): string {
  return results.map(describeOne).join('\n')
}

function describeOne({ readModel, expected, found, differedAtFirst, differences }: Verified): string {
  const lines = [`${readModel}: ${differences.length === 0 ? 'equal' : `${differences.length} DIFFERENT`}`]
  lines.push(...table(expected, found))
  if (differedAtFirst > differences.length)
    lines.push(`  ${differedAtFirst - differences.length} documents were still on their way at the first look`)
  for (const { key, kind, expected: wanted, found: got } of differences.slice(0, SHOWN)) {
    lines.push(`  ${key} is ${kind}${kind === 'changed' ? `: ${differingFields(wanted, got).join(', ')}` : ''}`)
    lines.push(`    services: ${wanted ? JSON.stringify(wanted) : '(nothing)'}`)
    lines.push(`    index:    ${got ? JSON.stringify(got) : '(nothing)'}`)
  }
  if (differences.length > SHOWN) lines.push(`  … and ${differences.length - SHOWN} more`)
  return lines.join('\n')
}

function table(expected: Totals, found: Totals): string[] {
  const names = ['documents', ...new Set([...Object.keys(expected.sums), ...Object.keys(found.sums)])]
  const value = (totals: Totals, name: string) => (name === 'documents' ? totals.documents : (totals.sums[name] ?? 0))
  return names.map((name) => {
    const [wanted, got] = [value(expected, name), value(found, name)]
    const mark = wanted === got ? '' : '  ≠'
    return `  ${name.padEnd(14)} services ${written(name, wanted)}  index ${written(name, got)}${mark}`
  })
}

function written(name: string, value: number): string {
  const text = name.endsWith('Cents') ? (value / 100).toFixed(2) : String(value)
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, ',').padStart(15)
}
