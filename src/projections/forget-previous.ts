import { connect, previousSchema } from './database.ts';

/** Takes a track out of what the last swap replaced: no projector follows there, and it is kept for a rollback. */
export async function forgetPrevious(url: string, trackId: string, stream: string): Promise<void> {
  const client = await connect(url);
  try {
    for (const [table, column, value] of [
      ['tracks', 'track_id', trackId],
      ['tasks', 'stream', stream],
    ]) {
      const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
        `${previousSchema}.${table}`,
      ]);
      if (rows[0]?.there === true)
        await client.query(`DELETE FROM ${previousSchema}.${table} WHERE ${column} = $1`, [value]);
    }
  } finally {
    await client.end();
  }
}
