import pg, { type Client } from 'pg';

/** Gives everybody in one schema what they were granted in another: on the schema itself, and on what has the same name. */
export async function copyGrants(client: Client, from: string, to: string): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `SELECT format('GRANT %s ON SCHEMA %I TO %s%s', acl.privilege_type, $2::text, ${grantee}, ${option}) AS statement
       FROM pg_namespace AS n, aclexplode(n.nspacl) AS acl
      WHERE n.nspname = $1 AND acl.grantee <> n.nspowner
     UNION ALL
     SELECT format('GRANT %s ON %I.%I TO %s%s', acl.privilege_type, $2::text, c.relname, ${grantee}, ${option})
       FROM pg_class AS c, aclexplode(c.relacl) AS acl
      WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'v') AND acl.grantee <> c.relowner
        AND to_regclass(format('%I.%I', $2::text, c.relname)) IS NOT NULL`,
    [from, to],
  );
  for (const { statement } of rows) await client.query(statement);
}

const grantee = `CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END`;
const option = `CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END`;

/**
 * What lies outside of a schema and points at something inside: it would go on pointing at the old tables after a swap.
 * A function that finds them by name does not.
 */
export async function pointingInto(client: Client, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ what: string }>(
    `SELECT DISTINCT format('view %s', v.oid::regclass) AS what
       FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
       JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
      WHERE t.relnamespace = $1::regnamespace AND v.relnamespace <> $1::regnamespace
     UNION
     SELECT format('foreign key of %s', c.conrelid::regclass) FROM pg_constraint c
       JOIN pg_class t ON t.oid = c.confrelid JOIN pg_class o ON o.oid = c.conrelid
      WHERE c.contype = 'f' AND t.relnamespace = $1::regnamespace AND o.relnamespace <> $1::regnamespace
      ORDER BY what`,
    [pg.escapeIdentifier(schema)],
  );
  return rows.map(({ what }) => what);
}
