import { openLedgerAt } from '../../src/app.ts';
import { eventStoreServer } from './eventstoredb-server.ts';
import { flags } from './flags.ts';
import { loadLedger } from './load-ledger.ts';
import { pairs } from './pairs.ts';
import { withPostgres } from './servers.ts';

/** Fewer than in PostgreSQL: they are appended one task at a time. */
const share = 0.1;

/** A rebuild from EventStoreDB beside the bare client with the same filter; then once more with several times the events. */
export async function fromEventStoreDb(): Promise<void> {
  const server = await eventStoreServer();
  console.log(`Rebuild from EventStoreDB, up to the swap, without the comparison, on ${server.name}`);
  const ledger = await openLedgerAt(server.url);
  try {
    const tracks = Math.round(flags.tracks * share);
    let events = await loadLedger(ledger, 0, tracks);
    await measure(server.url, events, tracks, flags.rounds);
    if (flags.times > 1) {
      events += await loadLedger(ledger, tracks, tracks * (flags.times - 1));
      await measure(server.url, events, tracks * flags.times, 1);
    }
  } finally {
    await ledger.close();
    await server.stop();
  }
  console.log();
}

async function measure(ledgerUrl: string, events: number, tracks: number, rounds: number): Promise<void> {
  await withPostgres(async ({ url, dataDir }) => {
    console.log(`  ${events} events of ${tracks} tracks`);
    await pairs({
      limitScript: 'limit-eventstoredb.ts',
      limitName: 'bare client',
      settings: { BENCH_URL: url, BENCH_LEDGER: ledgerUrl, BENCH_EVENTS: String(events) },
      dataDir,
      events,
      rounds,
      target: 0.7,
    });
  });
}
