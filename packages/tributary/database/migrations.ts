import type { Knex } from 'knex'

/** One step of a database's history. Steps are never changed after they ran somewhere; a new step follows. */
export interface Migration {
  /** e.g. `loans/001_loans`. Unique, and stays. */
  readonly name: string
  up(db: Knex): Promise<void>
}

/** The table that notes which steps have run, as knex names it. */
export const STEPS = 'knex_migrations'

/**
 * Runs the steps that haven't run yet, each in a transaction; gives their names. The caller holds off others.
 * @param tableName that notes which have run
 */
export async function runMigrations(
  db: Knex,
  migrations: readonly Migration[],
  tableName: string = STEPS,
): Promise<string[]> {
  const migrationSource: Knex.MigrationSource<Migration> = {
    getMigrations: async () => [...migrations],
    getMigrationName: (migration) => migration.name,
    getMigration: async (migration) => ({
      up: migration.up,
      down: async () => {
        throw new Error(`${migration.name}: a step isn't undone, write the next one`)
      },
    }),
  }
  const migrate = db.migrate
  // A migration that was killed leaves knex's lock behind; who runs migrations is settled by an advisory lock.
  await migrate.forceFreeMigrationsLock({ migrationSource, tableName })
  const [, ran] = await migrate.latest({ migrationSource, tableName })
  return ran
}
