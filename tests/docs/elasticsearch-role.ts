import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './project.ts'

/** A role as Elasticsearch's API takes it. */
export interface Role {
  readonly cluster: readonly string[]
  readonly indices: readonly { readonly names: readonly string[]; readonly privileges: readonly string[] }[]
}

/** The role of the least rights that docs/guide/own-servers.md gives, as it stands there: for the marketplace. */
export function roleOfGuide(): Role {
  const guide = readFileSync(join(repository, 'docs/guide/own-servers.md'), 'utf8')
  const [, body] = /POST \/_security\/api_key\n([\s\S]*?)```/.exec(guide) ?? []
  return JSON.parse(body!).role_descriptors.tributary
}

/** The same for other read models, named as the page says. */
export function roleFor(readModels: readonly string[]): Role {
  const { cluster, indices } = roleOfGuide()
  const names = [...readModels.flatMap((name) => [name, `${name}-*`]), 'freshness']
  return { cluster, indices: [{ ...indices[0]!, names }] }
}
