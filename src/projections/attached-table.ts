import type pg from 'pg';
import { bringInStep, explained } from './attached-rows.ts';
import { attachmentSchema, readAttachment, tableSql } from './attachment.ts';

/**
 * Keeps the attached table in step with the read model: its columns of migration 008 are what `tracks` says of the
 * row's key, and NULL where `tracks` has no such track. All of this runs in the caller's transaction, which has to be
 * READ COMMITTED, and never waits for whoever works with the table: a row that somebody has locked is noted, like the
 * rows that are inserted meanwhile, and follows with the next `syncInserted`.
 */

/** Log entries that one call takes: a bound on a transaction. */
export const insertedMax = 1000;

/**
 * Brings the rows of these tracks in step; to be called after the caller's own rows were written. Almost free where
 * nothing is attached.
 *
 * @throws AttachedTableError with what to do, where the table cannot be written
 */
export async function syncAttached(client: pg.ClientBase, trackIds: readonly string[]): Promise<void> {
  if (trackIds.length === 0) return;
  const attachment = await readAttachment(client);
  if (attachment !== null) await bringInStep(client, attachment, 'tracks', { keys: trackIds });
}

/**
 * Takes up to `insertedMax` entries of the log of inserted and passed-over rows, and brings those rows in step.
 * Returns how many are done with; `insertedMax` means that there may be more to do at once. Those that are still
 * locked go back into the log.
 *
 * @throws AttachedTableError
 */
export async function syncInserted(client: pg.ClientBase): Promise<number> {
  const attachment = await readAttachment(client);
  if (attachment === null) return 0;
  const { rows } = await explained(attachment, () =>
    client.query<{ key: string }>(
      `DELETE FROM ${attachmentSchema}.inserted WHERE id IN (
         SELECT id FROM ${attachmentSchema}.inserted ORDER BY id LIMIT ${insertedMax} FOR UPDATE SKIP LOCKED)
       RETURNING key`,
    ),
  );
  if (rows.length === 0) return 0;
  const keys = rows.map(({ key }) => key);
  const { locked } = await bringInStep(client, attachment, 'tracks', { keys });
  return rows.length - locked;
}

/**
 * Brings every row in step with `<schema>.tracks`, touching only those that differ; for the transaction that swaps
 * schemas, best before it renames them. Returns how many rows it changed.
 *
 * @throws AttachedTableError
 */
export async function syncAllAttached(client: pg.ClientBase, schema: string): Promise<number> {
  const attachment = await readAttachment(client);
  if (attachment === null) return 0;
  const { changed } = await bringInStep(client, attachment, tableSql({ schema, table: 'tracks' }), 'all');
  return changed;
}
