import pg from 'pg';
import { connect, liveSchema } from './database.ts';

/**
 * Has the sessions of our role find the read models by their bare names. Behind `public`, so that a `tracks` table of
 * somebody else's stays what that name means. What was set before, by anybody, stays.
 *
 * @returns the role and the path; null where it had one
 */
export async function setSearchPath(
  url: string,
): Promise<{ readonly role: string; readonly path: string } | null> {
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ role: string; database: string; given: boolean }>(
      `SELECT current_user AS role, current_database() AS database,
              EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) AS one
                       WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
                         AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                         AND one LIKE 'search_path=%') AS given`,
    );
    const [row] = rows;
    if (row === undefined || row.given) return null;
    const path = `"$user", public, ${liveSchema}`;
    const [role, database] = [pg.escapeIdentifier(row.role), pg.escapeIdentifier(row.database)];
    await client.query(`ALTER ROLE ${role} IN DATABASE ${database} SET search_path = ${path}`);
    return { role: row.role, path };
  } finally {
    await client.end();
  }
}
