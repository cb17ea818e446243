import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the file `server.json` appears once the server of this run is ready, or could not be started. */
    postgresFolder: string;
  }
}

/** What `server.json` holds. */
export type TestServer = { readonly url: string } | { readonly error: string };

/** Tests lose nothing that matters with the machine, so they need not wait for the disk. */
const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '200' };

/**
 * One PostgreSQL for the whole run; with TEST_POSTGRES_URL that server instead. It is started in the background, so
 * that tests which need none do not wait for it.
 */
export function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'enrichment-postgres-'));
  project.provide('postgresFolder', folder);
  const tell = (server: TestServer) => {
    const unfinished = join(folder, 'server.json.new');
    writeFileSync(unfinished, JSON.stringify(server), { mode: 0o600 });
    renameSync(unfinished, join(folder, 'server.json'));
  };
  const given = process.env.TEST_POSTGRES_URL;
  if (given !== undefined && given !== '') {
    tell({ url: given });
    return async () => rmSync(folder, { recursive: true, force: true });
  }
  const opened = openEmbeddedPostgres({ dataDir: join(folder, 'data'), settings });
  const told = opened.then(
    ({ url }) => tell({ url }),
    (error: unknown) => tell({ error: error instanceof Error ? error.message : String(error) }),
  );
  return async () => {
    await told;
    await opened.then(
      (server) => server.stop(),
      () => undefined,
    );
    rmSync(folder, { recursive: true, force: true });
  };
}
