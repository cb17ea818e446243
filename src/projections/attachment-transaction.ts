import pg from 'pg';
import { AttachedTableError, lockAttachment } from './attachment.ts';
import { connect } from './database.ts';

/** How long others may have to queue behind us while we wait for the table. */
const lockMsMax = 5000;
const dependentObjects = '2BP01';

/**
 * Runs one transaction that changes what is attached, alone among its kind. No name in it is looked up by search_path.
 *
 * @throws AttachedTableError where a person can put it right
 */
export async function changeAttachment<T>(
  url: string,
  change: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client = await connect(url);
  try {
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = ${lockMsMax}`);
    await client.query('SET LOCAL search_path = pg_catalog, pg_temp');
    await lockAttachment(client);
    const result = await change(client);
    await client.query('COMMIT');
    return result;
  } catch (cause) {
    throw explained(cause);
  } finally {
    await client.end();
  }
}

function explained(cause: unknown): unknown {
  if (!(cause instanceof pg.DatabaseError)) return cause;
  const because = (sentence: string) => new AttachedTableError(sentence, { cause });
  switch (cause.code) {
    case '55P03':
    case '40P01':
      return because(
        `The table is in use and could not be locked within ${lockMsMax / 1000} s: nothing was changed; ` +
          'try again when no long transaction works with it.',
      );
    case '42501':
      return because(
        `The database user may not do this (${cause.message}): use the one that owns the table, and let it create schemas in the database and read enrichment.tracks.`,
      );
    case '23514':
      return because(
        `A column that was there before holds what migration 008 does not allow (${cause.message}): correct it first.`,
      );
    case dependentObjects:
      return because(
        `Something else depends on what would go (${cause.detail ?? cause.message}): drop that first. Nothing was changed.`,
      );
    default:
      return cause;
  }
}
