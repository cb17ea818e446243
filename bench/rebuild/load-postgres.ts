import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { encodeAppend } from '../../src/ledger/codec.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { storyOf } from './story.ts';

/** What is in a ledger, for the report. */
export interface Mix {
  readonly events: number;
  readonly tracks: number;
  readonly bytesMean: number;
  /** How many of each type, the most first. */
  readonly types: readonly { readonly type: string; readonly events: number }[];
}

const chunkCharsMin = 1 << 20;

/**
 * Fills an empty ledger with the stories of so many tracks. In the global order the rounds follow each other, so that
 * the requests of one track lie as far apart as they would.
 */
export async function loadPostgres(url: string, tracks: number): Promise<Mix> {
  await (await openPostgresLedger({ url })).close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows: found } = await client.query<{ events: string }>(
    'SELECT position AS events FROM ledger.head',
  );
  if (found[0]?.events === '0') {
    await client.query(`CREATE UNLOGGED TABLE told (round int, n serial, stream text, revision int, id uuid, type text,
      data json, metadata json, at timestamptz)`);
    const columns = 'round, stream, revision, id, type, data, metadata, at';
    await pipeline(
      Readable.from(chunksOf(tracks)),
      client.query(copyFrom(`COPY told (${columns}) FROM STDIN`)),
    );
    await client.query(`INSERT INTO ledger.events (position, stream, revision, id, type, data, metadata, recorded_at)
      SELECT row_number() OVER (ORDER BY round, n), stream, revision, id, type, data, metadata, at
        FROM told ORDER BY round, n`);
    await client.query('UPDATE ledger.head SET position = (SELECT max(position) FROM ledger.events)');
    await client.query('DROP TABLE told');
    await client.query('VACUUM ANALYZE ledger.events');
  }
  const mix = await mixOf(client);
  await client.end();
  return mix;
}

async function mixOf(client: pg.Client): Promise<Mix> {
  const { rows } = await client.query<{ type: string; events: string; bytes: string }>(
    `SELECT type, count(*) AS events, sum(octet_length(data::text) + octet_length(metadata::text)) AS bytes
       FROM ledger.events GROUP BY type ORDER BY count(*) DESC`,
  );
  const tracks = await client.query<{ tracks: string }>(
    'SELECT count(*) AS tracks FROM ledger.events WHERE revision = 0',
  );
  const events = rows.reduce((sum, row) => sum + Number(row.events), 0);
  return {
    events,
    tracks: Number(tracks.rows[0]?.tracks),
    bytesMean: Math.round(rows.reduce((sum, row) => sum + Number(row.bytes), 0) / events),
    types: rows.map((row) => ({ type: row.type, events: Number(row.events) })),
  };
}

function* chunksOf(tracks: number): Generator<string> {
  let chunk = '';
  for (let n = 0; n < tracks; n++) {
    for (const { stream, revision, events, round } of storyOf(n)) {
      for (const [at, event] of encodeAppend(stream, events.map(encodeTrackEvent)).entries()) {
        const { id, type, data, metadata } = event;
        const time = events[at]?.meta.occurredAt ?? '';
        chunk += `${[round, stream, revision + at, id, type, copied(data), copied(metadata), time].join('\t')}\n`;
      }
    }
    if (chunk.length < chunkCharsMin) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** JSON has no raw tabs or line feeds, so backslashes are all there is to escape. */
function copied(json: string): string {
  return json.replaceAll('\\', '\\\\');
}
