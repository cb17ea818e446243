/**
 * The limit of a rebuild from the PostgreSQL ledger: the same events read with COPY, their data and metadata parsed,
 * nothing else. A process of its own, which says how long it took.
 */
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { ownMs } from './processes.ts';

const client = new pg.Client({ connectionString: process.env.BENCH_URL });
await client.connect();
const [beganMs, beganOwnMs] = [performance.now(), ownMs()];
const rows = client.query(
  copyTo('COPY (SELECT stream, revision, id, type, position, data, metadata FROM ledger.events) TO STDOUT'),
);
const decoder = new TextDecoder();
let rest = '';
let events = 0;
for await (const chunk of rows) {
  const text = rest + decoder.decode(chunk as Buffer, { stream: true });
  let from = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
    const fields = text.slice(from, end).split('\t');
    parse(fields[5] ?? '');
    parse(fields[6] ?? '');
    events += 1;
    from = end + 1;
  }
  rest = text.slice(from);
}
const [tookMs, processorMs] = [performance.now() - beganMs, ownMs() - beganOwnMs];
await client.end();
console.log(JSON.stringify({ events, tookMs, processorMs }));

function parse(copied: string): unknown {
  return JSON.parse(copied.includes('\\') ? copied.replaceAll('\\\\', '\\') : copied);
}
