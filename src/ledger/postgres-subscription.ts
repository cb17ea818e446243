import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { RecordedEvent, SubscribeOptions, SubscriptionMessage } from './ledger.ts';

const batchMax = 1000;
/** How long a subscription waits before it looks again where nobody told it of an append. */
const lookAgainMs = 1000;
const backoffMsMin = 100;
const backoffMsMax = 5000;

interface Row {
  position: string;
  stream: string;
  revision: number;
  id: string;
  type: string;
  data: RecordedEvent['data'];
  metadata: RecordedEvent['metadata'];
}

export function recordedEvent({ position, stream, revision, id, type, data, metadata }: Row): RecordedEvent {
  return { position, stream, revision, id, type, data, metadata };
}

/**
 * Follows the global order by position: since positions are given in commit order, whatever is visible has nothing
 * invisible before it. A lost connection is come back from, with backoff, at the last position handed over.
 *
 * @param nextAppend resolves when somebody appended, as far as this process hears of it
 */
export async function* followLedger(
  pool: Pool,
  nextAppend: () => Promise<void>,
  { prefixes, after, signal }: SubscribeOptions,
): AsyncGenerator<SubscriptionMessage> {
  let position = after ?? '0';
  let wasCaughtUp = false;
  let backoffMs = backoffMsMin;
  while (!signal.aborted) {
    // Asked for before reading, so that an append between reading and waiting is not missed.
    const woken = nextAppend();
    let rows: Row[];
    try {
      rows = await readAfter(pool, position);
      backoffMs = backoffMsMin;
    } catch {
      await pause(backoffMs, signal);
      backoffMs = Math.min(backoffMs * 2, backoffMsMax);
      continue;
    }
    const last = rows.at(-1);
    if (last !== undefined) {
      position = last.position;
      const events = rows.filter(({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix)));
      // Also where nothing matched: a checkpoint must not park below the head.
      yield { kind: 'events', events: events.map(recordedEvent), position };
      if (rows.length === batchMax) continue;
    }
    if (signal.aborted) return;
    if (!wasCaughtUp) {
      wasCaughtUp = true;
      yield { kind: 'caught-up', position: position === '0' ? null : position };
      continue;
    }
    if (last === undefined) await wokenOr(woken, lookAgainMs, signal);
  }
}

async function readAfter(pool: Pool, position: string): Promise<Row[]> {
  const { rows } = await pool.query<Row>({
    name: 'ledger-after',
    text: `SELECT position, stream, revision, id, type, data, metadata FROM ledger.events
            WHERE position > $1 ORDER BY position LIMIT ${batchMax}`,
    values: [position],
  });
  return rows;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Waits for the promise, the time or the signal, and leaves nothing behind of the other two. */
function wokenOr(woken: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    void woken.then(done);
    if (signal.aborted) done();
  });
}
