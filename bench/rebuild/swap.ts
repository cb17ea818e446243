import pg from 'pg';
import { openLedgerAt } from '../../src/app.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { flags, median, quantile } from './flags.ts';
import { loadPostgres } from './load-postgres.ts';
import { ran } from './processes.ts';
import { withPostgres } from './servers.ts';

const share = 0.1;
const calmMs = 5000;

interface Read {
  readonly beganMs: number;
  readonly tookMs: number;
}

/** Whoever reads all the while, with any kind of statement: how long the longest read takes. */
export async function swap(): Promise<void> {
  const tracks = Math.max(100, Math.round(flags.tracks * share));
  await withPostgres(async ({ url, dataDir }) => {
    const { events } = await loadPostgres(url, tracks);
    await migrateProjections({ url });
    const ledger = await openLedgerAt(url);
    const projector = startProjector({ ledger, url });
    await projector.waitUntilCaughtUp(600_000);
    console.log(`Readers during rebuild, comparison and swap of ${events} events`);
    const worst: number[] = [];
    for (let round = 0; round < flags.rounds; round++) {
      const readers = await startReaders(url);
      await new Promise((done) => setTimeout(done, calmMs));
      const calmUntilMs = Date.now();
      const { said } = await ran<{
        comparedMs: number;
        swappedMs: number;
        isSwapped: boolean;
        changes: number;
      }>('swap-ledger.ts', { BENCH_URL: url }, dataDir);
      await new Promise((done) => setTimeout(done, 500));
      const reads = await readers.stop();
      if (!said.isSwapped || said.changes !== 0) throw new Error(`The swap found ${said.changes} changes.`);
      const longest = (from: number, to: number) => {
        const within = reads.filter(({ beganMs, tookMs }) => beganMs + tookMs >= from && beganMs <= to);
        return Math.max(...within.map(({ tookMs }) => tookMs));
      };
      const swapping = longest(said.comparedMs, said.swappedMs);
      worst.push(swapping);
      console.log(
        `  longest of ${reads.length} reads: ${longest(0, calmUntilMs).toFixed(0)} ms before, ${longest(calmUntilMs, said.comparedMs).toFixed(0)} ms during the rebuild, ${swapping.toFixed(0)} ms during the swap (target 100), which took ${said.swappedMs - said.comparedMs} ms; p99 of all ${quantile(
          reads.map(({ tookMs }) => tookMs),
          0.99,
        ).toFixed(0)} ms; no read failed`,
      );
    }
    console.log(`  median of the longest during a swap ${median(worst).toFixed(0)} ms\n`);
    await projector.stop();
    await ledger.close();
  });
}

/** Prepared and simple statements, with and without the schema's name. */
const statements = [
  { name: 'one', text: 'SELECT * FROM tracks WHERE track_id >= $1 ORDER BY track_id LIMIT 5' },
  { name: 'two', text: 'SELECT * FROM enrichment.tracks WHERE track_id >= $1 ORDER BY track_id LIMIT 5' },
  { text: 'SELECT task_id, status FROM tasks WHERE stream >= $1 ORDER BY stream LIMIT 5' },
  { text: 'SELECT count(*) FROM enrichment.metrics WHERE provider >= $1' },
];

async function startReaders(url: string) {
  const clients = await Promise.all(
    statements.map(async () => {
      const client = new pg.Client({ connectionString: url, options: '-c search_path=enrichment' });
      await client.connect();
      return client;
    }),
  );
  const reads: Read[] = [];
  let isOver = false;
  const loops = clients.map(async (client, at) => {
    for (let n = 0; !isOver; n++) {
      const beganMs = Date.now();
      const began = performance.now();
      const { rows } = await client.query({
        ...statements[at],
        text: statements[at]?.text ?? '',
        values: [(n % 16).toString(16)],
      });
      if (rows.length === 0 && n % 16 < 15) throw new Error('A reader saw empty tables.');
      reads.push({ beganMs, tookMs: performance.now() - began });
      await new Promise((done) => setTimeout(done, 1));
    }
  });
  const all = Promise.all(loops);
  all.catch(() => undefined);
  return {
    async stop(): Promise<readonly Read[]> {
      isOver = true;
      await all;
      await Promise.all(clients.map((client) => client.end()));
      return reads;
    },
  };
}
