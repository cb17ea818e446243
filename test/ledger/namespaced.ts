import type { Ledger, RecordedEvent } from '../../src/ledger/ledger.ts';
import { inOrderOnly } from './stored.ts';

/**
 * A ledger whose streams are apart from all others on a server that tests share: as if it were empty at first. Its
 * head is that of the whole server.
 */
export function namespaced(ledger: Ledger, namespace: string): Ledger {
  const inside = (stream: string) => (stream === '' ? '' : `${namespace}${stream}`);
  const outside = (event: RecordedEvent) => ({ ...event, stream: event.stream.slice(namespace.length) });
  const named: Ledger = {
    append: (stream, expected, events) => ledger.append(inside(stream), expected, events),
    read: async (stream, options) => (await ledger.read(inside(stream), options)).map(outside),
    async *subscribe({ prefixes, ...options }) {
      const named = prefixes.map((prefix) => `${namespace}${prefix}`);
      for await (const message of ledger.subscribe({ prefixes: named, ...options })) {
        yield message.kind === 'events' ? { ...message, events: message.events.map(outside) } : message;
      }
    },
    head: () => ledger.head(),
    cut: (stream, before) => ledger.cut(inside(stream), before),
    behind: (after) => ledger.behind(after),
    server: () => ledger.server(),
    isAtOrAfter: (position, other) => ledger.isAtOrAfter(position, other),
    close: () => ledger.close(),
  };
  // Names are inside of what is sent, so it is written anew.
  return ledger.subscribeSent === undefined ? named : inOrderOnly(named);
}
