import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.e2e.test.ts'],
          // One PostgreSQL for all of them.
          globalSetup: ['tributary/testing/postgres'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: 'e2e', include: ['**/*.e2e.test.ts'], exclude: ['**/node_modules/**'], fileParallelism: false } },
    ],
  },
})
