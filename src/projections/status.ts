import type { Behind, Ledger, Position } from '../ledger/ledger.ts';
import { type Filling, OtherVersion } from './checkpoint.ts';
import { connect, liveSchema, nextSchema, previousSchema } from './database.ts';
import { versionOf } from './migrate.ts';
import { activeLock } from './projector.ts';
import { projectionVersion } from './version.ts';

/** Where the read models stand, for an operator. */
export interface ProjectionsStatus {
  readonly version: number;
  readonly position: Position | null;
  readonly pausedBy: string | null;
  readonly behind: Behind & {
    /** Since when the oldest of it waits, in seconds. */ readonly seconds: number;
  };
  /** Streams that a read model cannot follow. */
  readonly parked: number;
  /** Whether a projector holds the lock. */
  readonly isActive: boolean;
  /** What a rebuild has in the making; one sentence. */
  readonly next: string | null;
  /** The version of what the last swap replaced. */
  readonly previous: number | null;
}

/** @throws OtherVersion where the tables are not those of this program */
export async function readStatus(options: {
  readonly ledger: Ledger;
  readonly url: string;
  readonly now?: () => number;
}): Promise<ProjectionsStatus> {
  const { ledger, url, now = Date.now } = options;
  const client = await connect(url);
  try {
    const version = await versionOf(client, liveSchema);
    if (version !== projectionVersion) throw new OtherVersion(version ?? 0);
    const { rows } = await client.query<{
      position: Position | null;
      pausedBy: string | null;
      parked: string;
      active: boolean;
    }>(
      `SELECT position, paused_by AS "pausedBy", (SELECT count(*) FROM projection_quarantine) AS parked,
              EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS active
         FROM projection_checkpoint`,
      [activeLock],
    );
    const [row] = rows;
    const position = row?.position ?? null;
    return {
      version,
      position,
      pausedBy: row?.pausedBy ?? null,
      behind: await lagOf(ledger, position, now()),
      parked: Number(row?.parked ?? 0),
      isActive: row?.active === true,
      next: await nextOf(client),
      previous: await versionOf(client, previousSchema),
    };
  } finally {
    await client.end();
  }
}

/** How far a position is behind the ledger: events, bytes, seconds. */
export async function lagOf(
  ledger: Ledger,
  position: Position | null,
  nowMs: number,
): Promise<ProjectionsStatus['behind']> {
  const behind = await ledger.behind(position);
  const seconds = behind.oldestAt === null ? 0 : Math.max(0, (nowMs - Date.parse(behind.oldestAt)) / 1000);
  return { ...behind, seconds };
}

async function nextOf(client: Awaited<ReturnType<typeof connect>>): Promise<string | null> {
  const version = await versionOf(client, nextSchema);
  if (version === null) return null;
  const { rows } = await client.query<{ position: string | null; filling: Filling | null }>(
    `SELECT position, to_jsonb(c)->'filling' AS filling FROM ${nextSchema}.projection_checkpoint AS c`,
  );
  const filling = rows[0]?.filling ?? null;
  if (filling !== null) return `version ${version}, being filled: ${filling.events} events so far`;
  return `version ${version}, filled, at ${rows[0]?.position ?? 'nothing'}, not swapped in`;
}

/** @param by who pauses it; null: it goes on */
export async function setPause(url: string, by: string | null): Promise<void> {
  const client = await connect(url);
  try {
    await client.query(
      `UPDATE projection_checkpoint SET paused_by = $1, paused_at = CASE WHEN $1::text IS NULL THEN NULL ELSE now() END`,
      [by],
    );
  } finally {
    await client.end();
  }
}
