import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { NewEvent } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { trackEvents } from './tracks.ts';

const tracksPerChunk = 200;

/** Fills an empty Postgres ledger with tracks in bulk: all first tasks in one order, then all second ones. */
export async function loadTracks(url: string, tracks: number): Promise<{ bytesPerEvent: number }> {
  await (await openPostgresLedger({ url })).close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('TRUNCATE ledger.events');
    let position = 0;
    // The second half of every stream comes when all have had their first, so the events of a track lie far apart.
    function row(trackId: string, revision: number, { id, type, data, metadata }: NewEvent): string {
      position += 1;
      return `${position}\ttrack-${trackId}\t${revision}\t${id}\t${type}\t${escaped(data)}\t${escaped(metadata)}\n`;
    }
    function* rows() {
      for (const isLater of [false, true]) {
        for (let n = 0; n < tracks; n++) {
          const { trackId, events } = trackEvents(n);
          const half = events.length / 2;
          const from = isLater ? half : 0;
          yield events
            .slice(from, from + half)
            .map((event, at) => row(trackId, from + at, event))
            .join('');
        }
      }
    }
    function* chunks() {
      let parts: string[] = [];
      for (const text of rows()) {
        parts.push(text);
        if (parts.length < tracksPerChunk) continue;
        yield parts.join('');
        parts = [];
      }
      yield parts.join('');
    }
    const copy = 'COPY ledger.events (position, stream, revision, id, type, data, metadata) FROM STDIN';
    await pipeline(Readable.from(chunks()), client.query(copyFrom(copy)));
    await client.query('UPDATE ledger.head SET position = (SELECT max(position) FROM ledger.events)');
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
