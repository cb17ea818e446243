import type { Client } from 'pg';
import type { Ledger } from '../ledger/ledger.ts';
import { syncAllAttached } from './attached-table.ts';
import { eachBatch } from './catch-up.ts';
import { lockCheckpoint } from './checkpoint.ts';
import { connect, liveSchema, nextSchema, previousSchema } from './database.ts';
import { openFollower } from './follower.ts';
import { copyGrants, pointingInto } from './grants.ts';
import { versionOf } from './migrate.ts';
import { projectionVersion } from './version.ts';

/** How long the swap waits for a batch of the live projector, or for whoever else holds a table. */
const lockMsMax = 10_000;
const swapMsMax = 600_000;

/** Something outside points at the live tables, and would go on pointing at the old ones. */
export class PointedAt extends Error {
  override readonly name = 'PointedAt';
}

/**
 * Puts the new tables in the place of the live ones, which stay as the previous ones. One transaction: it locks both
 * checkpoints, brings the new tables to where the live ones stand, and renames the schemas. Readers are not locked out:
 * whoever is reading reads on, whoever comes finds the new ones.
 *
 * @throws PointedAt
 */
export async function swapIn(options: {
  readonly ledger: Ledger;
  readonly url: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { ledger, url, signal } = options;
  const [client, live] = [await connect(url, nextSchema, swapMsMax), await connect(url)];
  try {
    const isThere = await hasSchema(client, liveSchema);
    if (isThere) await refusePointedAt(client);
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = ${lockMsMax}`);
    if (isThere) {
      await client.query(`SELECT FROM ${liveSchema}.projection_checkpoint FOR UPDATE`);
      await bringUp(client, live, ledger, signal);
      await copyGrants(client, liveSchema, nextSchema);
      await carryOver(client);
      await syncAllAttached(client, nextSchema);
      if (await hasSchema(client, previousSchema)) {
        await client.query(`ALTER SCHEMA ${previousSchema} RENAME TO ${discarded}`);
      }
      await client.query(`ALTER SCHEMA ${liveSchema} RENAME TO ${previousSchema}`);
    }
    await client.query(`ALTER SCHEMA ${nextSchema} RENAME TO ${liveSchema}`);
    await client.query('COMMIT');
    // Not in the transaction: somebody may still be reading them.
    await client.query(`DROP SCHEMA IF EXISTS ${discarded} CASCADE`);
  } finally {
    await Promise.all([client.end(), live.end()]);
  }
}

const discarded = 'enrichment_discarded';

/** The last steps of the new tables, inside of the transaction that holds the live ones. */
async function bringUp(client: Client, live: Client, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const { rows } = await live.query<{ position: string | null }>(
    'SELECT position FROM projection_checkpoint',
  );
  const upTo = rows[0]?.position ?? null;
  const { position: after } = await lockCheckpoint(client);
  if (upTo === null) return;
  const follower = await openFollower(client, ledger);
  await eachBatch(ledger, { after, upTo, signal }, follower.bringIn);
}

/** What operators said of the live tables holds for the new ones. */
async function carryOver(client: Client): Promise<void> {
  if ((await versionOf(client, liveSchema)) !== projectionVersion) return;
  await client.query(
    `UPDATE ${nextSchema}.projection_checkpoint AS n SET paused_by = l.paused_by, paused_at = l.paused_at
       FROM ${liveSchema}.projection_checkpoint AS l`,
  );
}

async function refusePointedAt(client: Client): Promise<void> {
  const found = await pointingInto(client, liveSchema);
  if (found.length === 0) return;
  throw new PointedAt(
    `${found.join(', ')} outside of schema "${liveSchema}" would go on pointing at the old tables: move it into the schema or drop it first.`,
  );
}

export async function hasSchema(client: Client, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    'SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS there',
    [schema],
  );
  return rows[0]?.there === true;
}

/** There is nothing to go back to. */
export class NothingBefore extends Error {
  override readonly name = 'NothingBefore';
}

/**
 * Puts the previous tables back in their place; those that were live become the previous ones, so that it can be taken
 * back as well. The projector brings them up to date from where they stood.
 *
 * @throws NothingBefore
 */
export async function rollBack(url: string): Promise<void> {
  const client = await connect(url, liveSchema, swapMsMax);
  try {
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = ${lockMsMax}`);
    if (!(await hasSchema(client, previousSchema))) {
      throw new NothingBefore(
        `There is no schema "${previousSchema}": only a rebuild that was swapped in can be rolled back.`,
      );
    }
    for (const schema of [liveSchema, previousSchema]) {
      await client.query(`SELECT FROM ${schema}.projection_checkpoint FOR UPDATE`);
    }
    await copyGrants(client, liveSchema, previousSchema);
    await syncAllAttached(client, previousSchema);
    await client.query(`ALTER SCHEMA ${liveSchema} RENAME TO ${discarded}`);
    await client.query(`ALTER SCHEMA ${previousSchema} RENAME TO ${liveSchema}`);
    await client.query(`ALTER SCHEMA ${discarded} RENAME TO ${previousSchema}`);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
