export type { Migration } from './migrations.ts'
