import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Json, JsonObject, Ledger, NewEvent, RecordedEvent } from '../../src/ledger/ledger.ts';

/** Everything a ledger has to be able to keep, as JSON. */
export const anyJsonObject: fc.Arbitrary<JsonObject> = fc
  .dictionary(fc.string({ unit: 'binary', maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

export function eventOf(data: JsonObject = {}, type = 'Happened'): NewEvent {
  return { id: randomUUID(), type, data, metadata: { by: 'test' } };
}

export function eventsOf(count: number, from = 0): readonly NewEvent[] {
  return Array.from({ length: count }, (_, n) => eventOf({ n: from + n }));
}

/** What a stored value reads back as: NUL and lone surrogates are U+FFFD, -0 is 0. */
export function storedForm(value: Json): Json {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd');
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map((one: Json) => storedForm(one));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [String(storedForm(key)), storedForm(one as Json)]),
  );
}

export function idsOf(events: readonly { readonly id: string }[]): readonly string[] {
  return events.map(({ id }) => id);
}

export interface Followed {
  readonly events: readonly RecordedEvent[];
  /** Of the last message. */
  readonly position: string | null;
}

const followMsMax = 15_000;

/** Follows a subscription until `enough` holds of what came, or `caught-up` where nothing is said. */
export async function follow(
  ledger: Ledger,
  prefixes: readonly string[],
  options: {
    readonly after?: string | null;
    readonly enough?: (events: readonly RecordedEvent[]) => boolean;
  } = {},
): Promise<Followed> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), followMsMax);
  const events: RecordedEvent[] = [];
  let position: string | null = options.after ?? null;
  const { enough } = options;
  try {
    for await (const message of ledger.subscribe({
      prefixes,
      after: options.after ?? null,
      signal: abort.signal,
    })) {
      if (message.kind === 'events') events.push(...message.events);
      position = message.position ?? position;
      if (enough === undefined ? message.kind === 'caught-up' : enough(events)) return { events, position };
    }
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
  throw new Error(`A subscription to ${prefixes.join(', ')} did not deliver within ${followMsMax} ms.`);
}
