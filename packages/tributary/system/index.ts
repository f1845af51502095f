export type { ServiceEntry, SystemDefinition, TopologyEntry } from './definition.ts'
export { defineSystem, InvalidSystem, type System } from './system.ts'
