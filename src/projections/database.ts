import pg from 'pg';

/** The schema that readers see. Unqualified table names resolve to it. */
export const liveSchema = 'enrichment';

const connectMsMax = 10_000;
const statementMsMax = 60_000;

function settings(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    options: `-c search_path=${liveSchema}`,
    connectionTimeoutMillis: connectMsMax,
    query_timeout: statementMsMax,
    application_name: 'enrichment-projections',
  };
}

/** One connection for work that needs a session of its own. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(settings(url));
  // Whoever uses it sees the loss in its next query.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export function connectPool(url: string, connectionsMax: number): pg.Pool {
  const pool = new pg.Pool({ ...settings(url), max: connectionsMax });
  pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
