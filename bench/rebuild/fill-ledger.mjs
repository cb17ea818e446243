/** One rebuild of all read models up to the swap, without the comparison, in a process of its own; compiled, as it is shipped. */
import pg from 'pg';
import { openLedgerAt } from '../../dist/app.js';
import { makeShadow } from '../../dist/projections/shadow.js';

const { BENCH_URL: url = '', BENCH_LEDGER: ledgerUrl = '' } = process.env;
const ledger = await openLedgerAt(ledgerUrl);
let indexingSinceMs = 0;
let events = 0;
const [beganMs, before] = [performance.now(), process.cpuUsage()];
await makeShadow({
  ledger,
  url,
  schema: 'enrichment_next',
  fromScratch: true,
  signal: new AbortController().signal,
  onProgress(progress) {
    if (progress.step === 'indexing') indexingSinceMs = performance.now();
    events = Math.max(events, progress.events);
  },
});
const [tookMs, { user, system }] = [performance.now() - beganMs, process.cpuUsage(before)];
const processorMs = (user + system) / 1000;
const indexingMs = performance.now() - indexingSinceMs;
await ledger.close();
const client = new pg.Client({ connectionString: url });
await client.connect();
const { rows } = await client.query(`SELECT (SELECT count(*) FROM enrichment_next.tracks)::int AS tracks,
  (SELECT count(*) FROM enrichment_next.tasks)::int AS tasks, (SELECT count(*) FROM enrichment_next.metrics)::int AS metrics,
  (SELECT count(*) FROM enrichment_next.projection_quarantine)::int AS parked`);
await client.query('DROP SCHEMA enrichment_next CASCADE');
await client.end();
console.log(JSON.stringify({ events, tookMs, processorMs, indexingMs, rows: rows[0] }));
