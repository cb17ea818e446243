import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Ledger, LedgerUnavailable, type RecordedEvent } from '../../../src/ledger/ledger.ts';
import { eventsOf, idsOf } from '../events.ts';

/**
 * Writers append to streams of their own, every tenth append twice at once, while a subscriber follows. At the end
 * every stream holds each append once and in order, and so did the subscriber see it.
 */
export async function appendManyTimes(
  ledger: Ledger,
  random: () => number,
  {
    writers,
    streamsPerWriter,
    appendsPerStream,
  }: {
    readonly writers: number;
    readonly streamsPerWriter: number;
    readonly appendsPerStream: number;
  },
): Promise<void> {
  const total = writers * streamsPerWriter * appendsPerStream;
  const seen: RecordedEvent[] = [];
  const abort = new AbortController();
  const following = (async () => {
    const { signal } = abort;
    for await (const message of ledger.subscribe({ prefixes: ['track-'], after: null, signal })) {
      if (message.kind === 'events') seen.push(...message.events);
      if (seen.length >= total) return;
    }
  })();
  const expected = new Map<string, string[]>();
  await Promise.all(
    Array.from({ length: writers * streamsPerWriter }, async (_, n) => {
      const stream = `track-${n}`;
      const ids: string[] = [];
      expected.set(stream, ids);
      for (let at = 0; at < appendsPerStream; at++) {
        const events = eventsOf(1, at);
        const revision = at === 0 ? 'no-stream' : at - 1;
        const times = random() < 0.1 ? 2 : 1;
        const results = await Promise.all(
          Array.from({ length: times }, () => appendUntilClear(ledger, stream, revision, events)),
        );
        expect(results).toEqual(results.map(() => ({ kind: 'appended', revision: at })));
        ids.push(...idsOf(events));
      }
    }),
  );
  for (const [stream, ids] of expected) expect(idsOf(await ledger.read(stream))).toEqual(ids);
  await Promise.race([following, sleep(60_000, undefined, { ref: false })]);
  abort.abort();
  for (const [stream, ids] of expected) {
    expect(idsOf(seen.filter((event) => event.stream === stream))).toEqual(ids);
  }
}

/** As a worker does whose message comes again. */
async function appendUntilClear(
  ledger: Ledger,
  ...args: Parameters<Ledger['append']>
): ReturnType<Ledger['append']> {
  for (;;) {
    try {
      return await ledger.append(...args);
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
    }
  }
}
