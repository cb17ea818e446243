import type { Client } from 'pg';
import type { Ledger, Position } from '../ledger/ledger.ts';
import type { Comparison } from './compare.ts';
import { connect, nextSchema, proofSchema } from './database.ts';
import { livePosition } from './live-position.ts';
import { compareWithLive, makeShadow, type ShadowProgress } from './shadow.ts';
import { swapIn } from './swap.ts';

export interface RebuildOptions {
  readonly ledger: Ledger;
  readonly url: string;
  /** True: what an earlier rebuild left is not gone on with. */
  readonly fromScratch: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ShadowProgress) => void;
  /** How many rows of each table are shown that differ. */
  readonly samplesMax: number;
  /** Told what differs; false: the live tables stay. Null: they are replaced without a comparison. */
  readonly mayReplace: ((comparison: Comparison) => boolean) | null;
}

export interface Rebuilt {
  /** Null where there was nothing to compare with. */
  readonly comparison: (Comparison & { readonly position: Position | null }) | null;
  readonly isSwapped: boolean;
}

/** Another rebuild or proof is under way. */
export class RebuildUnderWay extends Error {
  override readonly name = 'RebuildUnderWay';
}

const rebuildLock = 0x72656275;

/**
 * Makes the read models anew beside the live ones, compares both at one position, and puts the new ones in their place.
 * The live ones are followed and read all the while. After a kill the next call goes on.
 *
 * @throws RebuildUnderWay
 */
export async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  return alone(options.url, async (client) => {
    const { mayReplace } = options;
    const isCompared = mayReplace !== null && (await livePosition(client)) !== null;
    await makeShadow({ ...options, schema: nextSchema });
    const comparison = isCompared ? await compareWithLive({ ...options, schema: nextSchema }) : null;
    const isSwapped = comparison === null || mayReplace === null || mayReplace(comparison);
    if (isSwapped) await swapIn(options);
    return { comparison, isSwapped };
  });
}

/**
 * Recomputes the live read models from the ledger and compares; nothing of it stays.
 *
 * @throws OtherVersion, RebuildUnderWay
 */
export async function prove(
  options: Omit<RebuildOptions, 'mayReplace' | 'fromScratch'>,
): Promise<Comparison & { readonly position: Position | null }> {
  const parts = { ...options, schema: proofSchema };
  return alone(options.url, async (client) => {
    try {
      await makeShadow({ ...parts, fromScratch: true });
      return await compareWithLive(parts);
    } finally {
      await client.query(`DROP SCHEMA IF EXISTS ${proofSchema} CASCADE`);
    }
  });
}

async function alone<Value>(url: string, work: (client: Client) => Promise<Value>): Promise<Value> {
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
      rebuildLock,
    ]);
    if (rows[0]?.locked !== true)
      throw new RebuildUnderWay('Another rebuild or proof is under way: wait for it.');
    return await work(client);
  } finally {
    await client.end();
  }
}
