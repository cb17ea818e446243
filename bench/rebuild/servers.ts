import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';

export interface Place {
  readonly url: string;
  readonly dataDir: string;
}

/** An embedded PostgreSQL for as long as the work takes; in a folder that is kept, or in one that goes. */
export async function withPostgres<Value>(
  work: (place: Place) => Promise<Value>,
  kept: string | null = null,
): Promise<Value> {
  const dataDir = kept ?? mkdtempSync(join(tmpdir(), 'bench-rebuild-'));
  const postgres = await openEmbeddedPostgres({ dataDir });
  try {
    return await work({ url: postgres.url, dataDir });
  } finally {
    await postgres.stop();
    if (kept === null) rmSync(dataDir, { recursive: true, force: true });
  }
}
