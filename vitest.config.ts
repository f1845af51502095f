import { defineConfig } from 'vitest/config'

/** Real servers: one file after the other, since a machine may have two cores, and time to start. */
const onServers = {
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  teardownTimeout: 120_000,
} as const

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [
            '**/node_modules/**',
            'packages/create/template/**',
            '.tributary/**',
            '**/*.int.test.ts',
            '**/*.e2e.test.ts',
          ],
          // The same modules once, and not for each file anew.
          isolate: false,
          // Run beside the servers’ tests, at a low priority: to end what hangs, not what waits for its turn.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'int',
          include: ['**/*.int.test.ts'],
          exclude: ['**/node_modules/**', 'packages/create/template/**', '.tributary/**'],
          globalSetup: ['tests/harness/start-servers.ts'],
          ...onServers,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['**/*.e2e.test.ts'],
          exclude: ['**/node_modules/**', 'packages/create/template/**', '.tributary/**', 'tests/docs/**'],
          globalSetup: ['tests/harness/start-everything.ts'],
          ...onServers,
        },
      },
      // The guide is followed on a stack of its own project.
      { test: { name: 'guide', include: ['tests/docs/*.e2e.test.ts'], ...onServers } },
    ],
  },
})
