import pg, { type Client } from 'pg';

/** Something outside points at tables by what they are, not by their name, and would go on pointing at the old ones. */
export class PointedAt extends Error {
  override readonly name = 'PointedAt';
}

/** @throws PointedAt */
export async function refusePointedAt(client: Client, schema: string, consequence: string): Promise<void> {
  const found = await pointingInto(client, schema);
  if (found.length === 0) return;
  throw new PointedAt(
    `${found.join(', ')} outside of schema "${schema}" ${consequence}: move it into the schema or drop it first.`,
  );
}

/** A function that finds tables by name when it runs is not among them. */
async function pointingInto(client: Client, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ what: string }>(
    `SELECT DISTINCT format('view %s', v.oid::regclass) AS what
       FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
       JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
      WHERE t.relnamespace = $1::regnamespace AND v.relnamespace <> $1::regnamespace
     UNION
     SELECT format('foreign key of %s', c.conrelid::regclass) FROM pg_constraint c
       JOIN pg_class t ON t.oid = c.confrelid JOIN pg_class o ON o.oid = c.conrelid
      WHERE c.contype = 'f' AND t.relnamespace = $1::regnamespace AND o.relnamespace <> $1::regnamespace
     UNION
     SELECT format('function %s', p.oid::regprocedure)
       FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
       JOIN pg_class t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
      WHERE t.relnamespace = $1::regnamespace AND p.pronamespace <> $1::regnamespace
     UNION
     SELECT format('publication %s', quote_ident(p.pubname))
       FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class t ON t.oid = r.prrelid
      WHERE t.relnamespace = $1::regnamespace
      ORDER BY what`,
    [pg.escapeIdentifier(schema)],
  );
  return rows.map(({ what }) => what);
}
