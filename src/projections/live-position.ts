import type { Client } from 'pg';
import type { Position } from '../ledger/ledger.ts';
import { liveSchema } from './database.ts';

/** Where the live tables stand; null where there are none, or nothing is in them. */
export async function livePosition(client: Client): Promise<Position | null> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('${liveSchema}.projection_checkpoint') IS NOT NULL AS there`,
  );
  if (rows[0]?.there !== true) return null;
  const found = await client.query<{ position: Position | null }>(
    `SELECT position FROM ${liveSchema}.projection_checkpoint LIMIT 1`,
  );
  return found.rows[0]?.position ?? null;
}
