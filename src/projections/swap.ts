import type { Client } from 'pg';
import type { Ledger } from '../ledger/ledger.ts';
import { syncAllAttached } from './attached-table.ts';
import { carryOver } from './carry-over.ts';
import { advanceTo, batchesBetween } from './catch-up.ts';
import { lockCheckpoint } from './checkpoint.ts';
import { connect, liveSchema, nextSchema, previousSchema } from './database.ts';
import { openFollower } from './follower.ts';
import { copyGrants } from './grants.ts';
import { livePosition } from './live-position.ts';
import { waitForOldSnapshots } from './old-snapshots.ts';
import { carryViews } from './own-views.ts';
import { refusePointedAt } from './pointed-at.ts';

/** How long the swap waits for a batch of the live projector, or for whoever else holds a table. */
export const lockMsMax = 10_000;
export const swapMsMax = 600_000;
/** How long it waits for transactions that began before the new tables were whole. */
const oldSnapshotsMsMax = 60_000;
const discarded = 'enrichment_discarded';

export const pointsAtOld = 'would go on pointing at the old tables';

export interface SwapOptions {
  readonly ledger: Ledger;
  readonly url: string;
  readonly signal: AbortSignal;
}

/**
 * Puts the new tables in the place of the live ones, which stay as the previous ones. One transaction: it locks both
 * checkpoints, brings the new tables to where the live ones stand, and renames the schemas. Readers are not locked out:
 * whoever is reading reads on, whoever comes finds the new ones.
 *
 * @throws PointedAt, OldSnapshots
 */
export async function swapIn({ ledger, url, signal }: SwapOptions): Promise<void> {
  const client = await connect(url, nextSchema, swapMsMax);
  try {
    const isThere = await hasSchema(client, liveSchema);
    if (isThere) await refusePointedAt(client, liveSchema, pointsAtOld);
    if (await hasSchema(client, previousSchema)) {
      await refusePointedAt(client, previousSchema, 'would go with the tables that are discarded');
    }
    // What an earlier swap may have left behind when it was killed.
    await client.query(`DROP SCHEMA IF EXISTS ${discarded} CASCADE`);
    // Most of what came meanwhile, so that the live projector is not held for long.
    const near = isThere ? await livePosition(client) : null;
    if (near !== null) await advanceTo(await openFollower(client, ledger), ledger, near, signal);
    await waitForOldSnapshots(client, oldSnapshotsMsMax, signal);
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = ${lockMsMax}`);
    if (isThere) {
      await fenceOff(client, liveSchema);
      await bringUp(client, ledger, signal);
      await carryViews(client, liveSchema, nextSchema);
      await copyGrants(client, liveSchema, nextSchema);
      await carryOver(client, liveSchema, nextSchema);
      await syncAllAttached(client, nextSchema);
      if (await hasSchema(client, previousSchema)) {
        await client.query(`ALTER SCHEMA ${previousSchema} RENAME TO ${discarded}`);
      }
      await client.query(`ALTER SCHEMA ${liveSchema} RENAME TO ${previousSchema}`);
    }
    await client.query(`ALTER SCHEMA ${nextSchema} RENAME TO ${liveSchema}`);
    await client.query('COMMIT');
    await discard(client);
  } finally {
    await client.end();
  }
}

/** Not in the transaction: somebody may still be reading them, and then the next swap drops them. */
async function discard(client: Client): Promise<void> {
  await client.query(`SET lock_timeout = ${lockMsMax}`);
  await client.query(`DROP SCHEMA IF EXISTS ${discarded} CASCADE`).catch(() => undefined);
}

/**
 * Keeps every projector out until the transaction ends, and turns away those that wait for it then: they wait for the
 * row that they found under the old name, get it, and would write to tables that they find under the new one.
 */
export async function fenceOff(client: Client, schema: string): Promise<void> {
  await client.query(`UPDATE ${schema}.projection_checkpoint SET epoch = epoch + 1`);
}

/** The last steps of the new tables, inside of the transaction that holds the live ones. */
async function bringUp(client: Client, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const upTo = await livePosition(client);
  const { position: after } = await lockCheckpoint(client);
  if (upTo === null) return;
  const follower = await openFollower(client, ledger);
  for await (const { events, position } of batchesBetween(ledger, { after, upTo, signal })) {
    await follower.bringIn(events, position);
  }
}

export async function hasSchema(client: Client, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    'SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS there',
    [schema],
  );
  return rows[0]?.there === true;
}
