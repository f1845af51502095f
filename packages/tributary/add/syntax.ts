import { parse, parseExpression } from '@babel/parser'
import type { CallExpression, Expression, Node, ObjectExpression, Statement } from '@babel/types'
import types from '@babel/types'
import { Refused } from './refused.ts'

/** A node with its place in the text. */
export type Placed<N extends Node = Node> = N & { readonly start: number; readonly end: number }

/** The statements of a TypeScript file. Throws `Refused` where it isn't one. */
export function statementsOf(path: string, text: string): Placed<Statement>[] {
  try {
    return parse(text, { sourceType: 'module', plugins: ['typescript'] }).program.body as Placed<Statement>[]
  } catch (error) {
    throw new Refused(`${path} can't be read, mend it first: ${(error as Error).message}`)
  }
}

/** The value of a JSON file, as syntax. Throws `Refused` where it isn't one. */
export function jsonOf(path: string, text: string): Placed<Expression> {
  try {
    return parseExpression(text) as Placed<Expression>
  } catch (error) {
    throw new Refused(`${path} can't be read, mend it first: ${(error as Error).message}`)
  }
}

/** What a name at the top of a file was given, undefined where there is no such name or it has no value. */
export function initialOf(statements: readonly Statement[], name: string): Placed<Expression> | undefined {
  for (const { declarator } of constantsOf(statements)) {
    if (declarator.id.type === 'Identifier' && declarator.id.name === name) {
      return plain((declarator.init as Expression | null) ?? undefined)
    }
  }
  return undefined
}

/** Every declared constant of a file, with the statement that it stands in. */
export function constantsOf(statements: readonly Statement[]) {
  return statements.flatMap((statement) => {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type !== 'VariableDeclaration') return []
    return declaration.declarations.map((declarator) => ({ statement: statement as Placed<Statement>, declarator }))
  })
}

/** Every name that the top of a file binds: imports, constants, functions, types. */
export function boundNames(statements: readonly Statement[]): Set<string> {
  const names = constantsOf(statements).flatMap(({ declarator: { id } }) => (id.type === 'Identifier' ? [id.name] : []))
  for (const statement of statements) {
    if (statement.type === 'ImportDeclaration') names.push(...statement.specifiers.map(({ local }) => local.name))
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declared && 'id' in declared && declared.id?.type === 'Identifier') names.push(declared.id.name)
  }
  return new Set(names)
}

/** Every call of a function of that name, or of a method of that name. */
export function callsOf(statements: readonly Statement[], name: string): Placed<CallExpression>[] {
  const found: Placed<CallExpression>[] = []
  for (const statement of statements) {
    types.traverseFast(statement, (node) => {
      if (node.type !== 'CallExpression') return
      const { callee } = node
      const called = callee.type === 'MemberExpression' ? callee.property : callee
      if (called.type === 'Identifier' && called.name === name) found.push(node as Placed<CallExpression>)
    })
  }
  return found
}

/** An expression without what only the compiler sees. */
export function plain(node: Node | null | undefined): Placed<Expression> | undefined {
  if (!node) return undefined
  const { type } = node
  if (type === 'TSAsExpression' || type === 'TSSatisfiesExpression' || type === 'TSNonNullExpression') {
    return plain(node.expression)
  }
  return types.isExpression(node) ? (node as Placed<Expression>) : undefined
}

/** A property's value by its name. */
export function property(object: ObjectExpression, name: string): Placed<Expression> | undefined {
  for (const one of object.properties) {
    if (one.type === 'ObjectProperty' && nameOf(one.key) === name) return plain(one.value)
  }
  return undefined
}

/** The names of an object's properties. */
export const propertyNames = (object: ObjectExpression): string[] =>
  object.properties.flatMap((one) => (one.type === 'SpreadElement' ? [] : (nameOf(one.key) ?? [])))

function nameOf(key: Node): string | undefined {
  if (key.type === 'Identifier') return key.name
  return key.type === 'StringLiteral' ? key.value : undefined
}

export const textOf = (node: Node | null | undefined): string | undefined =>
  node?.type === 'StringLiteral' ? node.value : undefined
