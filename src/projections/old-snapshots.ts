import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';

/** Somebody still reads with a snapshot from before the new tables were whole. */
export class OldSnapshots extends Error {
  override readonly name = 'OldSnapshots';
}

const lookAgainMs = 200;

/**
 * Waits until nobody has a snapshot of this database that is as old as this call. Names are looked up as they are now,
 * rows as they were when a snapshot was taken: whoever began to read before tables were whole, such as a backup, would
 * find them half filled under the live names.
 *
 * @throws OldSnapshots
 */
export async function waitForOldSnapshots(
  client: Client,
  withinMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  let old: readonly string[] | null = null;
  for (;;) {
    const now = await transactionsOf(client);
    const left = now.filter((one) => old === null || old.includes(one));
    if (left.length === 0) return;
    if (performance.now() > deadlineMs) {
      const pids = left.map((one) => one.split(' ')[0]).join(', ');
      throw new OldSnapshots(
        `A transaction that began before the new tables were whole would see them half filled ` +
          `(process ${pids} of the database): wait until it has ended, then run this again.`,
      );
    }
    old = left;
    await sleep(lookAgainMs, undefined, { signal });
  }
}

/** Transactions of others in this database that have a snapshot, as far as we may see; else all that are open. */
async function transactionsOf(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ transaction: string }>(
    `SELECT DISTINCT a.pid || ' ' || l.virtualtransaction AS transaction
       FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
      WHERE l.locktype = 'virtualxid' AND l.granted AND a.pid <> pg_backend_pid() AND a.datname = current_database()
        AND a.usesysid IS NOT NULL AND (a.state IS NULL OR a.backend_xmin IS NOT NULL)`,
  );
  return rows.map(({ transaction }) => transaction);
}
