import { type Ledger, type RecordedEvent, readCountMax, type StoredEvent } from '../../src/ledger/ledger.ts';
import { inOrderOnly, pageOf, storedOf } from '../ledger/stored.ts';

/** Events in their global order, as a ledger that hands them out. Nothing can be appended. */
export function memoryLedger(
  events: readonly RecordedEvent[],
  options: { readonly batch: number; readonly wholeStreams: boolean },
): Ledger {
  const isAtOrAfter = (position: string, other: string) => Number(position) >= Number(other);
  const until = (position: string) => events.filter((event) => isAtOrAfter(position, event.position));
  const matching = (prefixes: readonly string[]) => (event: RecordedEvent) =>
    prefixes.some((prefix) => event.stream.startsWith(prefix));
  const ledger: Ledger = {
    append: async () => {
      throw new Error('Nothing can be appended.');
    },
    read: async (stream, { from = 0, maxCount = readCountMax } = {}) =>
      events.filter((event) => event.stream === stream && event.revision >= from).slice(0, maxCount),
    async *subscribe({ prefixes, after, signal }) {
      const rest = events.filter(({ position }) => after === null || !isAtOrAfter(after, position));
      for (let at = 0; at < rest.length && !signal.aborted; at += options.batch) {
        const batch = rest.slice(at, at + options.batch);
        const position = batch.at(-1)?.position ?? '0';
        yield { kind: 'events', events: batch.filter(matching(prefixes)), position };
      }
      if (!signal.aborted) yield { kind: 'caught-up', position: events.at(-1)?.position ?? null };
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
    head: async () => events.at(-1)?.position ?? null,
    server: async () => 'memory',
    cut: () => Promise.reject(new Error('Nothing is cut here.')),
    behind: async () => ({ events: null, bytes: 0, oldestAt: null }),
    isAtOrAfter,
    close: async () => undefined,
  };
  if (!options.wholeStreams) return inOrderOnly(ledger);
  return {
    ...ledger,
    async *streams({ prefixes, upTo, afterStream, signal }) {
      const streams = new Map<string, StoredEvent[]>();
      for (const event of until(upTo).filter(matching(prefixes))) {
        const own = streams.get(event.stream) ?? [];
        own.push(storedOf(event));
        streams.set(event.stream, own);
      }
      let page: StoredEvent[] = [];
      for (const [name, own] of [...streams].sort(([one], [other]) => (one < other ? -1 : 1))) {
        if (afterStream !== null && name <= afterStream) continue;
        signal.throwIfAborted();
        page.push(...own);
        if (page.length < options.batch) continue;
        yield pageOf(page);
        page = [];
      }
      if (page.length > 0) yield pageOf(page);
    },
  };
}
