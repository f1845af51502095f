import { plan } from '#engine'
import { reportFaults } from '#reports/faults'
import { serverFaults } from '#stack/settings'
import type { SystemDefinition } from './definition.ts'
import { SERVICE_NAME, serviceNameRule } from './names.ts'

/** What is wrong with a definition, each with its place. */
export function faultsIn(definition: SystemDefinition): string[] {
  const { services, topologies, readModels, verify, demo } = definition
  const faults: string[] = []
  const entries = Object.entries(services)
  const published = new Map<string, string>()
  for (const [name, { publishes }] of entries) {
    if (!SERVICE_NAME.test(name)) {
      faults.push(`services.${name}: ${serviceNameRule}`)
    }
    if (publishes.service !== name) {
      faults.push(`services.${name}.publishes: the topic "${publishes.name}" is that of "${publishes.service}"`)
    }
    published.set(publishes.name, name)
  }
  for (const [name, { subscribesTo = [] }] of entries) {
    for (const topic of subscribesTo) {
      if (published.has(topic.name)) continue
      faults.push(`services.${name}.subscribesTo: no service publishes on "${topic.name}"`)
    }
  }

  const written = new Map<string, string>()
  for (const [at, { topology, paceMs = 0 }] of topologies.entries()) {
    const place = `topologies[${at}] (${topology.name})`
    if (topologies.findIndex((other) => other.topology.name === topology.name) !== at) {
      faults.push(`${place}: there is another one of this name`)
    }
    if (!(paceMs >= 0)) faults.push(`${place}.paceMs: must be a number of ms`)
    for (const { topic } of topology.sinks) {
      const other = written.get(topic.name)
      if (other !== undefined) faults.push(`${place}: "${topic.name}" is written by ${other}, too`)
      written.set(topic.name, place)
    }
  }
  const readable = new Set([...published.keys(), ...written.keys()])
  for (const [at, { topology }] of topologies.entries()) {
    try {
      for (const { topic } of plan(topology).sources) {
        if (!readable.has(topic.name)) {
          faults.push(`topologies[${at}] (${topology.name}): nobody here writes to "${topic.name}", which it reads`)
        }
      }
    } catch (error) {
      faults.push(`topologies[${at}] (${topology.name}): ${(error as Error).message}`)
    }
  }

  for (const [at, { name, topic }] of readModels.entries()) {
    const place = `readModels[${at}] (${name})`
    if (readModels.findIndex((other) => other.name === name) !== at) {
      faults.push(`${place}: there is another one of this name`)
    }
    if (!written.has(topic.name)) faults.push(`${place}: no topology writes to its topic "${topic.name}"`)
    if (!verify.readModels[name]) faults.push(`verify.readModels: "${name}" is missing: how is it recomputed?`)
  }
  for (const { service, table } of verify.copied) {
    if (!services[service])
      faults.push(`verify.copied: table "${table}" is of "${service}", and there is no such service`)
  }
  for (const [name, { of }] of Object.entries(verify.readModels)) {
    for (const service of of) {
      if (!services[service]) faults.push(`verify.readModels.${name}.of: there is no service "${service}"`)
    }
  }
  if (demo && !services[demo.unless.service]) {
    faults.push(`demo.unless: there is no service "${demo.unless.service}"`)
  }
  faults.push(...serverFaults(definition.servers))
  const { reports, documents = [], language = 'en', timeZone = 'UTC', currency } = definition
  const writing = { language, timeZone, ...(currency !== undefined && { currency }) }
  return [...faults, ...reportFaults({ reports, documents, readModels, ...writing })]
}
