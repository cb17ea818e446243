import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { trackEvents } from './tracks.ts';

const chunkChars = 1_000_000;

/** Fills an empty Postgres ledger with tracks in bulk: all first tasks in one order, then all second ones. */
export async function loadTracks(url: string, tracks: number): Promise<{ bytesPerEvent: number }> {
  await (await openPostgresLedger({ url })).close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('TRUNCATE ledger.events');
    let position = 0;
    function* rows() {
      let text = '';
      for (let n = 0; n < tracks; n++) {
        const { trackId, events } = trackEvents(n);
        for (const [revision, { id, type, data, metadata }] of events.entries()) {
          // As if the second half of each stream had come when all tracks had had their first.
          const half = events.length / 2;
          position = Math.floor(revision / half) * tracks * half + n * half + (revision % half) + 1;
          text += `${position}\ttrack-${trackId}\t${revision}\t${id}\t${type}\t${escaped(data)}\t${escaped(metadata)}\n`;
        }
        if (text.length > chunkChars) {
          yield text;
          text = '';
        }
      }
      yield text;
    }
    const copy = 'COPY ledger.events (position, stream, revision, id, type, data, metadata) FROM STDIN';
    await pipeline(Readable.from(rows()), client.query(copyFrom(copy)));
    await client.query('UPDATE ledger.head SET position = (SELECT max(position) FROM ledger.events)');
    // On disk in the order in which it was appended, in which the events of a track lie far apart.
    await client.query('CLUSTER ledger.events USING events_pkey');
    await client.query('VACUUM ANALYZE ledger.events');
    const { rows: sizes } = await client.query<{ bytes: string }>(
      'SELECT avg(octet_length(data::text) + octet_length(metadata::text)) AS bytes FROM ledger.events',
    );
    return { bytesPerEvent: Math.round(Number(sizes[0]?.bytes)) };
  } finally {
    await client.end();
  }
}

function escaped(value: unknown): string {
  return JSON.stringify(value).replaceAll('\\', String.raw`\\`);
}
