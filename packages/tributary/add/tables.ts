import type { Expression } from '@babel/types'
import types from '@babel/types'
import type { Changes } from './changes.ts'
import { callsOf, statementsOf, textOf } from './syntax.ts'

/** A table of a service, as its migrations make it. */
export interface ServiceTable {
  readonly table: string
  readonly columns: readonly string[]
}

/** What a service's code creates by `createTable('…', (table) => …)`. */
export function tablesOf(changes: Changes, service: string): ServiceTable[] {
  const paths = changes.list(`producers/${service}`, '.ts').filter((path) => !path.endsWith('.test.ts'))
  return paths.flatMap((path) =>
    callsOf(statementsOf(path, changes.read(path)), 'createTable').flatMap(({ arguments: [name, build] }) => {
      const table = textOf(name)
      if (table === undefined || (build?.type !== 'ArrowFunctionExpression' && build?.type !== 'FunctionExpression'))
        return []
      const [builder] = build.params
      if (builder?.type !== 'Identifier') return []
      const columns: string[] = []
      types.traverseFast(build.body, (node) => {
        if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return
        const column = textOf(node.arguments[0])
        if (column !== undefined && isNamed(node.callee.object, builder.name)) columns.push(column)
      })
      return [{ table, columns: [...new Set(columns)] }]
    }),
  )
}

const isNamed = (node: Expression | { type: string }, name: string) =>
  node.type === 'Identifier' && (node as { name: string }).name === name
