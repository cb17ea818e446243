import { defineConfig } from 'vitest/config';

/** Tests that look at the clock: one after the other, when the others are through. */
const clock = [
  'test/workers/kept-limits.test.ts',
  'test/e2e/shared-limits.test.ts',
  'test/e2e/ten-thousand.test.ts',
];

/** Tests that need a server or run the whole tool. One that stands here in vain, or not at all, has no server. */
const service = [
  'test/e2e/**/*.test.ts',
  'test/embedded/embedded-postgres.test.ts',
  'test/ledger/{postgres,streams}.test.ts',
  'test/projections/{as-of,comparison,copy-binary,equality,erase,fence,fill-in-threads,from-eventstoredb,projector,quarantine,readers,rebuild,schema,swap,tasks,versions}.test.ts',
  'test/redecision/redecide-all.test.ts',
  'test/projections/attached/*.test.ts',
  'test/support/{postgres,services}.test.ts',
  'test/queue/rabbitmq/**/*.test.ts',
  'test/redis/**/*.test.ts',
  'test/workers/**/*.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most tests of servers and whole runs wait for others.
    maxWorkers: 3,
    coverage: { provider: 'v8', include: ['src/**/*.ts'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: service,
          globalSetup: ['test/support/eventstoredb/real-server.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'service',
          include: service,
          exclude: clock,
          globalSetup: ['test/support/global-setup.ts', 'test/support/services/setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'clock',
          include: clock,
          globalSetup: ['test/support/global-setup.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
