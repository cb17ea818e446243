import type { Ledger, Position } from '../ledger/ledger.ts';
import { carrySkips, requestAnew } from './carry-over.ts';
import { advanceTo } from './catch-up.ts';
import { causingEvent } from './causing-event.ts';
import { type Comparison, compareSchemas, type TableComparison } from './compare.ts';
import { connect, liveSchema } from './database.ts';
import { drainRequested } from './drain.ts';
import { fill } from './fill.ts';
import { openFollower } from './follower.ts';
import { livePosition } from './live-position.ts';
import { migrateProjections, versionOf } from './migrate.ts';
import type { RowDifference } from './row-differences.ts';
import { projectionVersion } from './version.ts';

export interface ShadowOptions {
  readonly ledger: Ledger;
  readonly url: string;
  /** The schema that is filled beside the live one. */
  readonly schema: string;
  /** True: whatever is there is dropped first. */
  readonly fromScratch: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ShadowProgress) => void;
}

export interface ShadowProgress {
  readonly step: 'going on' | 'staging' | 'filling' | 'indexing' | 'catching up' | 'comparing';
  /** Events read so far. */
  readonly events: number;
  /** How many there are, as far as the ledger can tell. */
  readonly eventsMax: number | null;
}

const compareMsMax = 3_600_000;
const lockMsMax = 10_000;

/** Makes the same tables anew beside the live ones, filled from the ledger up to where the live ones stand. */
export async function makeShadow(options: ShadowOptions): Promise<void> {
  const { ledger, url, schema, fromScratch, signal, onProgress } = options;
  const client = await connect(url);
  try {
    const found = await versionOf(client, schema);
    if (fromScratch || found !== projectionVersion)
      await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    else onProgress({ step: 'going on', events: 0, eventsMax: null });
    await migrateProjections({ url, schema });
    if ((await versionOf(client, liveSchema)) === projectionVersion) {
      await carrySkips(client, liveSchema, schema);
    }
    const upTo = (await livePosition(client)) ?? (await ledger.head());
    if (upTo === null) return;
    let { events: eventsMax } = await ledger.behind(null);
    await fill({
      ledger,
      url,
      schema,
      upTo,
      signal,
      onStaging(events) {
        onProgress({ step: 'staging', events, eventsMax: null });
        eventsMax = events;
      },
      onProgress: (events) => onProgress({ step: 'filling', events, eventsMax }),
      onIndexing: (events) => onProgress({ step: 'indexing', events, eventsMax }),
    });
  } finally {
    await client.end();
  }
}

/**
 * Compares shadow and live tables at one same position. The live projector is held for the moment in which the shadow
 * takes its last steps and the snapshot is taken; then it goes on, and the snapshot is compared at leisure.
 */
export async function compareWithLive(
  options: Pick<ShadowOptions, 'ledger' | 'url' | 'schema' | 'signal' | 'onProgress'> & {
    readonly samplesMax: number;
  },
): Promise<Comparison & { readonly position: Position | null }> {
  const { ledger, url, schema, signal, onProgress, samplesMax } = options;
  const [shadow, live, snapshot] = [
    await connect(url, schema),
    await connect(url),
    await connect(url, liveSchema, compareMsMax),
  ];
  try {
    onProgress({ step: 'catching up', events: 0, eventsMax: null });
    const follower = await openFollower(shadow, ledger);
    const near = await livePosition(live);
    if (near !== null) await advanceTo(follower, ledger, near, signal);
    await requestAnew(shadow, liveSchema, schema);
    await drainRequested(shadow, ledger, follower);
    await live.query('BEGIN');
    await live.query(`SET LOCAL lock_timeout = ${lockMsMax}`);
    const { rows } = await live.query<{ position: Position | null }>(
      'SELECT position FROM projection_checkpoint FOR UPDATE',
    );
    const position = rows[0]?.position ?? null;
    if (position !== null) await advanceTo(follower, ledger, position, signal);
    await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await snapshot.query('SELECT 1 FROM projection_checkpoint');
    await live.query('ROLLBACK');
    const reached = follower.checkpoint.position;
    if (reached !== position) {
      throw new Error(
        `The new tables stand at ${reached ?? 'nothing'} and the live ones at ${position ?? 'nothing'}: let the projector catch up first.`,
      );
    }
    onProgress({ step: 'comparing', events: 0, eventsMax: null });
    const comparison = await compareSchemas(snapshot, liveSchema, schema, samplesMax);
    return { ...(await withCauses(ledger, comparison)), position };
  } finally {
    await Promise.all([shadow.end(), live.end(), snapshot.end()]);
  }
}

/** The samples with the event that each comes from. */
async function withCauses(ledger: Ledger, comparison: Comparison): Promise<Comparison> {
  const tables: TableComparison[] = [];
  for (const table of comparison.tables) {
    const samples: RowDifference[] = [];
    for (const sample of table.samples) {
      samples.push({ ...sample, event: await causingEvent(ledger, sample) });
    }
    tables.push({ ...table, samples });
  }
  return { ...comparison, tables };
}
