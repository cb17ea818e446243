import { getViewConfig } from 'drizzle-orm/pg-core';
import pg, { type Client } from 'pg';
import { coverageStats } from './coverage.ts';
import { dlq } from './dead-letters.ts';
import { PointedAt } from './pointed-at.ts';

/** Those that come with the tables: another version need not have them. */
const notTheirs = [dlq, coverageStats].map((view) => getViewConfig(view).name);

interface View {
  readonly name: string;
  readonly options: string | null;
  readonly definition: string;
}

/**
 * Makes the views again that somebody added to one schema, over the tables of the same names in another. A view may
 * stand on others, so they are tried until none is left or none can be made.
 *
 * @throws PointedAt for one that the other tables cannot bear
 */
export async function carryViews(client: Client, from: string, to: string): Promise<void> {
  let left = await viewsMissing(client, from, to);
  await client.query(`SET LOCAL search_path = ${to}`);
  while (left.length > 0) {
    const again: View[] = [];
    let trouble = '';
    for (const view of left) {
      await client.query('SAVEPOINT own_view');
      try {
        const options = view.options === null ? '' : ` WITH (${view.options})`;
        await client.query(
          `CREATE VIEW ${to}.${pg.escapeIdentifier(view.name)}${options} AS ${view.definition}`,
        );
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        await client.query('ROLLBACK TO SAVEPOINT own_view');
        trouble = error.message;
        again.push(view);
      }
      await client.query('RELEASE SAVEPOINT own_view');
    }
    if (again.length === left.length) {
      const names = again.map(({ name }) => `"${name}"`).join(', ');
      throw new PointedAt(
        `The view ${names} in schema "${from}" cannot be made over the other tables (${trouble}): drop it first.`,
      );
    }
    left = again;
  }
}

/** Their definitions name the tables of their own schema as they are found from within it: without the schema. */
async function viewsMissing(client: Client, from: string, to: string): Promise<readonly View[]> {
  await client.query(`SET LOCAL search_path = ${from}`);
  const { rows } = await client.query<View>(
    `SELECT c.relname AS name, array_to_string(c.reloptions, ', ') AS options, pg_get_viewdef(c.oid) AS definition
       FROM pg_class AS c
      WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'v' AND c.relname <> ALL ($3)
        AND to_regclass(format('%I.%I', $2::text, c.relname)) IS NULL ORDER BY c.oid`,
    [from, to, notTheirs],
  );
  return rows;
}
