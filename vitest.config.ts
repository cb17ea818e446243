import { defineConfig } from 'vitest/config';

/** Tests that need a server or run the whole tool. One that stands here in vain, or not at all, has no server. */
const service = [
  'test/e2e/**/*.test.ts',
  'test/embedded/embedded-postgres.test.ts',
  'test/ledger/postgres.test.ts',
  'test/projections/{projector,schema}.test.ts',
  'test/support/postgres.test.ts',
  'test/workers/**/*.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
    coverage: { provider: 'v8', include: ['src/**/*.ts'] },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: service },
      },
      {
        extends: true,
        test: { name: 'service', include: service, globalSetup: ['test/support/global-setup.ts'] },
      },
    ],
  },
});
