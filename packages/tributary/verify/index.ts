export type { CopiedTable, Recomputed, Verification } from './definition.ts'
