import type { Ledger, SubscribeOptions, SubscriptionMessage } from '../../src/ledger/ledger.ts';

/**
 * A ledger whose streams are apart from all others on a server that tests share: as if it were empty at first. Its
 * head is that of the whole server.
 */
export function namespaced(ledger: Ledger, namespace: string): Ledger {
  const inside = (stream: string) => (stream === '' ? '' : `${namespace}${stream}`);
  const outside = <Event extends { readonly stream: string }>(event: Event): Event => ({
    ...event,
    stream: event.stream.slice(namespace.length),
  });
  async function* followed<Event extends { readonly stream: string }>(
    subscribe: (options: SubscribeOptions) => AsyncIterable<SubscriptionMessage<Event>>,
    { prefixes, ...options }: SubscribeOptions,
  ): AsyncGenerator<SubscriptionMessage<Event>> {
    const named = prefixes.map((prefix) => `${namespace}${prefix}`);
    for await (const message of subscribe({ prefixes: named, ...options })) {
      yield message.kind === 'events' ? { ...message, events: message.events.map(outside) } : message;
    }
  }
  const { subscribeStored } = ledger;
  return {
    append: (stream, expected, events) => ledger.append(inside(stream), expected, events),
    read: async (stream, options) => (await ledger.read(inside(stream), options)).map(outside),
    subscribe: (options) => followed(ledger.subscribe, options),
    ...(subscribeStored === undefined
      ? {}
      : { subscribeStored: (options: SubscribeOptions) => followed(subscribeStored, options) }),
    head: () => ledger.head(),
    cut: (stream, before) => ledger.cut(inside(stream), before),
    behind: (after) => ledger.behind(after),
    server: () => ledger.server(),
    isAtOrAfter: (position, other) => ledger.isAtOrAfter(position, other),
    close: () => ledger.close(),
  };
}
