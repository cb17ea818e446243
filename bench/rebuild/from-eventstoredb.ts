import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLedgerAt } from '../../src/app.ts';
import { openEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { eventStoreServer } from './eventstoredb-server.ts';
import { flags } from './flags.ts';
import { loadLedger } from './load-ledger.ts';
import { pairs } from './pairs.ts';

/** Fewer than in PostgreSQL: they are appended one task at a time. */
const share = 0.1;

/** A rebuild from EventStoreDB beside the bare client with the same filter; then once more with three times the events. */
export async function fromEventStoreDb(): Promise<void> {
  const server = await eventStoreServer();
  console.log(`Rebuild from EventStoreDB, up to the swap, without the comparison, on ${server.name}`);
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-rebuild-'));
  const postgres = await openEmbeddedPostgres({ dataDir });
  try {
    const ledger = await openLedgerAt(server.url);
    const tracks = Math.round(flags.tracks * share);
    let events = 0;
    for (const [from, to, rounds] of [
      [0, tracks, flags.rounds],
      [tracks, tracks * flags.times, 1],
    ] as const) {
      if (to <= from) continue;
      events += await loadLedger(ledger, from, to - from);
      console.log(`  ${events} events of ${to} tracks`);
      await pairs({
        limitScript: 'limit-eventstoredb.ts',
        limitName: 'bare client',
        settings: { BENCH_URL: postgres.url, BENCH_LEDGER: server.url, BENCH_EVENTS: String(events) },
        dataDir,
        events,
        rounds,
        target: 0.7,
      });
    }
    await ledger.close();
  } finally {
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
    await server.stop();
  }
  console.log();
}
