import pg from 'pg';

/** The schema that readers see. Unqualified table names resolve to it. */
export const liveSchema = 'enrichment';
/** What a rebuild fills. */
export const nextSchema = 'enrichment_next';
/** What was live before the last swap. */
export const previousSchema = 'enrichment_prev';
/** What `verify` fills and drops. */
export const proofSchema = 'enrichment_proof';

const connectMsMax = 10_000;
const statementMsMax = 60_000;

function settings(url: string, schema: string): pg.ClientConfig {
  return {
    connectionString: url,
    options: `-c search_path=${schema}`,
    connectionTimeoutMillis: connectMsMax,
    query_timeout: statementMsMax,
    application_name: 'enrichment-projections',
  };
}

/**
 * One connection for work that needs a session of its own.
 *
 * @param within bound of a statement, in milliseconds
 */
export async function connect(
  url: string,
  schema = liveSchema,
  withinMs = statementMsMax,
): Promise<pg.Client> {
  const client = new pg.Client({ ...settings(url, schema), query_timeout: withinMs });
  // Whoever uses it sees the loss in its next query.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export function connectPool(url: string, connectionsMax: number): pg.Pool {
  const pool = new pg.Pool({ ...settings(url, liveSchema), max: connectionsMax });
  pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
