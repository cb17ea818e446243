import { syncAllAttached } from './attached-table.ts';
import { carryOver } from './carry-over.ts';
import { connect, liveSchema, previousSchema } from './database.ts';
import { copyGrants } from './grants.ts';
import { carryViews } from './own-views.ts';
import { refusePointedAt } from './pointed-at.ts';
import { fenceOff, hasSchema, lockMsMax, pointsAtOld, swapMsMax } from './swap.ts';

/** There is nothing to go back to. */
export class NothingBefore extends Error {
  override readonly name = 'NothingBefore';
}

const changingPlaces = 'enrichment_changing_places';

/**
 * Puts the previous tables back in their place; those that were live become the previous ones, so that it can be taken
 * back as well. The projector brings them up to date from where they stood.
 *
 * @throws NothingBefore, PointedAt
 */
export async function rollBack(url: string): Promise<void> {
  const client = await connect(url, liveSchema, swapMsMax);
  try {
    await refusePointedAt(client, liveSchema, pointsAtOld);
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = ${lockMsMax}`);
    if (!(await hasSchema(client, previousSchema))) {
      throw new NothingBefore(
        `There is no schema "${previousSchema}": only a rebuild that was swapped in can be rolled back.`,
      );
    }
    for (const schema of [liveSchema, previousSchema]) await fenceOff(client, schema);
    await carryViews(client, liveSchema, previousSchema);
    await copyGrants(client, liveSchema, previousSchema);
    await carryOver(client, liveSchema, previousSchema);
    await syncAllAttached(client, previousSchema);
    await client.query(`ALTER SCHEMA ${liveSchema} RENAME TO ${changingPlaces}`);
    await client.query(`ALTER SCHEMA ${previousSchema} RENAME TO ${liveSchema}`);
    await client.query(`ALTER SCHEMA ${changingPlaces} RENAME TO ${previousSchema}`);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
