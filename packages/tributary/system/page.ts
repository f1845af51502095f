import type { Catalogue } from './catalogue.ts'
import { type Boxes, type Drawing, draw } from './drawing.ts'

/** What the page `/system` shows. */
export interface SystemPage extends Catalogue {
  /** Services, topologies and read models, and who reads from whom. */
  readonly overview: Drawing
  /** By topology. */
  readonly drawings: Readonly<Record<string, Drawing>>
  /** Where each service answers on this computer; those whose port isn't known are missing. */
  readonly ports: Readonly<Record<string, number>>
}

/** The page of a catalogue. @param env has the services' ports: `LOANS_PORT` */
export function systemPage(
  catalogue: Catalogue,
  env: Readonly<Record<string, string | undefined>> = process.env,
): SystemPage {
  const ports = catalogue.services.flatMap(({ name }) => {
    const upper = name.toUpperCase()
    const port = env[`${upper}_PORT`] ?? (env[`${upper}_URL`] && new URL(env[`${upper}_URL`]!).port)
    return port ? [[name, Number(port)] as const] : []
  })
  return {
    ...catalogue,
    overview: draw(overviewOf(catalogue)),
    drawings: Object.fromEntries(catalogue.topologies.map(({ name, graph }) => [name, draw(graph)])),
    ports: Object.fromEntries(ports),
  }
}

function overviewOf({ services, topologies, readModels }: Catalogue): Boxes {
  /** Who writes to a topic, as it is drawn: rows come from their read model, which is what they are to others. */
  const origin = new Map([
    ...services.map(({ name, topic }) => [topic, `service-${name}`] as const),
    ...readModels.map(({ name, topic }) => [topic, `read-model-${name}`] as const),
  ])
  const from = (topics: readonly string[], to: string) =>
    topics.flatMap((topic) => {
      const known = origin.get(topic)
      return known === undefined ? [] : [{ from: known, to }]
    })
  return {
    nodes: [
      ...services.map(({ name }) => ({ id: `service-${name}`, kind: 'service', name, does: 'service' })),
      ...topologies.map(({ name }) => ({ id: `topology-${name}`, kind: 'topology', name, does: 'topology' })),
      ...readModels.map(({ name }) => ({ id: `read-model-${name}`, kind: 'read-model', name, does: 'read model' })),
    ],
    edges: [
      ...services.flatMap(({ name, subscribesTo }) =>
        from(subscribesTo, `service-${name}`).map((edge) => ({ ...edge, crosses: 'subscribes' })),
      ),
      ...topologies.flatMap(({ name, reads, writes }) => [
        ...from(reads, `topology-${name}`),
        ...writes.flatMap((topic) => (origin.has(topic) ? [{ from: `topology-${name}`, to: origin.get(topic)! }] : [])),
      ]),
    ],
  }
}
