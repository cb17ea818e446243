import type { Client } from 'pg';

/** Gives a schema, and what is in it, to those who own what has the same name in another, with the same grants. */
export async function copyGrants(client: Client, from: string, to: string): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `WITH pairs AS (
       SELECT o.oid, o.relname, o.relacl, o.relowner, n.relowner AS other_owner
         FROM pg_class AS o JOIN pg_class AS n ON n.relname = o.relname AND n.relnamespace = $2::text::regnamespace
        WHERE o.relnamespace = $1::text::regnamespace AND o.relkind IN ('r', 'v') AND n.relkind IN ('r', 'v')
     ), statements AS (
       SELECT 1 AS step, format('ALTER TABLE %I.%I OWNER TO %I', $2::text, relname, pg_get_userbyid(relowner)) AS statement
         FROM pairs WHERE relowner <> other_owner
       UNION ALL
       SELECT 2, format('GRANT %s ON %I.%I TO %s%s', acl.privilege_type, $2::text, relname, ${grantee}, ${option})
         FROM pairs, aclexplode(relacl) AS acl WHERE acl.grantee <> relowner
       UNION ALL
       SELECT 2, format('GRANT %s (%I) ON %I.%I TO %s%s', acl.privilege_type, a.attname, $2::text, relname, ${grantee}, ${option})
         FROM pairs JOIN pg_attribute AS a ON a.attrelid = pairs.oid AND NOT a.attisdropped, aclexplode(a.attacl) AS acl
        WHERE EXISTS (SELECT FROM pg_attribute AS n WHERE n.attname = a.attname
                         AND n.attrelid = format('%I.%I', $2::text, relname)::regclass)
       UNION ALL
       SELECT 3, format('GRANT %s ON SCHEMA %I TO %s%s', acl.privilege_type, $2::text, ${grantee}, ${option})
         FROM pg_namespace AS n, aclexplode(n.nspacl) AS acl WHERE n.nspname = $1::text AND acl.grantee <> n.nspowner
       UNION ALL
       SELECT 4, format('ALTER SCHEMA %I OWNER TO %I', $2::text, pg_get_userbyid(o.nspowner))
         FROM pg_namespace AS o JOIN pg_namespace AS n ON n.nspname = $2::text
        WHERE o.nspname = $1::text AND o.nspowner <> n.nspowner
     )
     SELECT statement FROM statements ORDER BY step`,
    [from, to],
  );
  for (const { statement } of rows) await client.query(statement);
}

const grantee = `CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END`;
const option = `CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END`;
