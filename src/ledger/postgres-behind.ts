import type { Pool } from 'pg';
import type { Behind, Position } from './ledger.ts';

/** How many events stand for the others where their bytes are counted. */
const sampleMax = 1000;

/** What lies after a position: events exactly, bytes from the first of them. */
export async function behindOf(pool: Pool, after: Position | null): Promise<Behind> {
  const { rows } = await pool.query<{
    events: string;
    sampled: string;
    bytes: string | null;
    oldest: Date | null;
  }>({
    name: 'ledger-behind',
    text: `SELECT head.position - $1::bigint AS events, sample.sampled, sample.bytes, sample.oldest
             FROM ledger.head AS head,
                  (SELECT count(*) AS sampled, sum(octet_length(data::text) + octet_length(metadata::text)) AS bytes,
                          (array_agg(recorded_at ORDER BY position))[1] AS oldest
                     FROM (SELECT * FROM ledger.events WHERE position > $1 ORDER BY position LIMIT ${sampleMax}) AS first) AS sample`,
    values: [after ?? '0'],
  });
  const [row] = rows;
  const [events, sampled] = [Math.max(0, Number(row?.events ?? 0)), Number(row?.sampled ?? 0)];
  const bytes = sampled === 0 ? 0 : Math.round((Number(row?.bytes ?? 0) / sampled) * events);
  return { events, bytes, oldestAt: row?.oldest?.toISOString() ?? null };
}
