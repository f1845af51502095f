export type { Api, CommandRoute, Given, QueryRoute } from './api.ts'
export type { ServiceDefinition } from './definition.ts'
export { conflict, invalid, notFound, notKnownYet, Refusal } from './refusal.ts'
export { instant, integer, integerInPath, list, ms, msOrNull, text } from './values.ts'
