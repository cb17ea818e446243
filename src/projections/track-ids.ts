import { connect } from './database.ts';

const pageRows = 1024;

/** The ids of all tracks that have a row, page by page, in the order of their letters. */
export async function* allTrackIds(url: string): AsyncGenerator<readonly string[]> {
  const client = await connect(url);
  try {
    for (let after = ''; ; ) {
      const { rows } = await client.query<{ id: string }>(
        'SELECT track_id AS id FROM tracks WHERE track_id > $1 ORDER BY track_id LIMIT $2',
        [after, pageRows],
      );
      const ids = rows.map(({ id }) => id);
      if (ids.length > 0) yield ids;
      if (ids.length < pageRows) return;
      after = ids.at(-1) ?? after;
    }
  } finally {
    await client.end();
  }
}
