import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: [
    './src/projections/schema.ts',
    './src/projections/dead-letters.ts',
    './src/projections/coverage.ts',
  ],
  out: './migrations',
});
