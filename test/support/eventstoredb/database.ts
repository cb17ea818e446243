import { revisionMax, type Settings, settingsOf, softDeleted } from './stream-settings.ts';

/** What the stand-in keeps: streams in one log, in memory, with the rules by which a real server appends. */
export interface Database {
  append(stream: string, expected: Expected, events: readonly Proposed[]): Appended;
  /** Soft: the stream is empty afterwards, and its numbering goes on. Hard: its name is gone for ever. */
  remove(stream: string, expected: Expected, how: 'soft' | 'hard'): Appended;
  /** Undefined for a stream that nobody wrote. */
  stream(name: string): StreamView | undefined;
  /** Every event in the order of the log. */
  readonly log: readonly Entry[];
  /** Calls back after every append, until what it returns is called. */
  onAppended(listener: () => void): () => void;
  /** What a server forgets when it stops: which ids it saw lately. */
  forgetIds(): void;
}

/** The revision that an append expects. */
export type Expected = 'any' | 'no-stream' | 'stream-exists' | bigint;

export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Entry extends Proposed {
  readonly stream: string;
  readonly revision: bigint;
  /** Bytes into the log: sparse and ascending. */
  readonly position: bigint;
  readonly createdMs: number;
}

export interface StreamView {
  readonly deleted: boolean;
  readonly softDeleted: boolean;
  /** What a reader sees of it, in order; numbered from the first one's revision. */
  visible(): readonly Entry[];
}

export type Appended =
  /** `position` is null where the same events were there before and are no longer to be seen. */
  | { readonly kind: 'written'; readonly revision: bigint | null; readonly position: bigint | null }
  /** `actual` is null where there is no stream. */
  | { readonly kind: 'wrong-version'; readonly actual: bigint | null }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'refused'; readonly why: string };

/** The most bytes of one append: data, metadata, and two for every character of a type. */
export const appendSizeMax = 1024 * 1024;

interface Stream {
  readonly entries: Entry[];
  settings: Settings;
  tombstoned: boolean;
}

/** Where an id was used first: all that `any` goes by. A real server keeps the newest 8 MiB of these. */
type FirstUses = Map<
  string,
  { readonly stream: string; readonly revision: bigint; readonly position: bigint }
>;

export function createDatabase(): Database {
  const streams = new Map<string, Stream>();
  const log: Entry[] = [];
  const listeners = new Set<() => void>();
  const firstUses: FirstUses = new Map();
  let end = 0n;

  function write(name: string, events: readonly Proposed[], revision?: bigint): Entry[] {
    const stream = streams.get(name) ?? { entries: [], settings: {}, tombstoned: false };
    streams.set(name, stream);
    const written = events.map((event) => {
      const entry: Entry = {
        ...event,
        stream: name,
        revision: revision ?? BigInt(stream.entries.length),
        position: end,
        createdMs: Date.now(),
      };
      end += BigInt(100 + event.data.length + event.metadata.length);
      stream.entries.push(entry);
      log.push(entry);
      if (!firstUses.has(event.id)) firstUses.set(event.id, { ...entry, stream: name });
      return entry;
    });
    const last = written.at(-1);
    const described = name.startsWith('$$') ? streams.get(name.slice(2)) : undefined;
    if (described !== undefined && last !== undefined) described.settings = settingsOf(last.data);
    return written;
  }

  function setTruncateBefore(name: string, revision: bigint): bigint {
    const data = new TextEncoder().encode(`{"$tb":${revision}}`);
    const [entry] = write(`$$${name}`, [systemEvent('$metadata', data)]);
    return entry?.position ?? end;
  }

  function appended(name: string, expected: Expected, events: readonly Proposed[]): Appended {
    const stream = streams.get(name);
    if (stream?.tombstoned === true || streams.get(name.replace(/^\$\$/, ''))?.tombstoned === true) {
      return { kind: 'deleted' };
    }
    const refusal = refusalOf(name, events);
    if (refusal !== null) return refusal;
    const known = stream?.entries ?? [];
    const isSoftDeleted = softDeleted(stream?.settings);
    const before = decide(name, expected, events, known, firstUses);
    const reopens = before.kind === 'wrong-version' && expected === 'no-stream' && isSoftDeleted;
    if (before.kind === 'written' && isSoftDeleted) return { ...before, position: null };
    if (before.kind !== 'new' && !reopens) return before;
    if (events.length === 0) {
      const position = end;
      end += 100n;
      return { kind: 'written', revision: null, position };
    }
    const written = write(name, events);
    if (isSoftDeleted) setTruncateBefore(name, written[0]?.revision ?? 0n);
    const last = written.at(-1);
    return { kind: 'written', revision: last?.revision ?? null, position: last?.position ?? null };
  }

  function removed(name: string, expected: Expected, how: 'soft' | 'hard'): Appended {
    const stream = streams.get(name);
    if (stream?.tombstoned === true) return { kind: 'deleted' };
    const actual = BigInt((stream?.entries.length ?? 0) - 1);
    const exact = expected === 'no-stream' ? -1n : expected;
    const fits = typeof exact === 'bigint' ? exact === actual : true;
    if (!fits || (how === 'soft' && actual < 0n)) return { kind: 'wrong-version', actual };
    if (how === 'soft') {
      return { kind: 'written', revision: null, position: setTruncateBefore(name, revisionMax) };
    }
    const [tombstone] = write(name, [systemEvent('$streamDeleted', new Uint8Array())], revisionMax);
    const deleted = streams.get(name);
    if (deleted !== undefined) deleted.tombstoned = true;
    return { kind: 'written', revision: null, position: tombstone?.position ?? null };
  }

  /** Tells the listeners of whatever was written, in a turn of its own, as a server's subscriptions do. */
  function told<Args extends readonly unknown[]>(change: (...args: Args) => Appended) {
    return (...args: Args): Appended => {
      const before = log.length;
      const outcome = change(...args);
      if (log.length > before) for (const listener of listeners) listener();
      return outcome;
    };
  }

  return {
    log,
    append: told(appended),
    remove: told(removed),
    stream(name) {
      const stream = streams.get(name);
      const tombstoned =
        stream?.tombstoned === true || streams.get(name.replace(/^\$\$/, ''))?.tombstoned === true;
      if (stream === undefined && !tombstoned) return undefined;
      return {
        deleted: tombstoned,
        softDeleted: softDeleted(stream?.settings),
        visible() {
          const { entries, settings } = stream ?? { entries: [], settings: {} };
          const byCount = settings.maxCount === undefined ? 0 : entries.length - settings.maxCount;
          const first = Math.max(byCount, Number(settings.truncateBefore ?? 0n));
          return first <= 0 ? entries : entries.slice(first);
        },
      };
    },
    onAppended(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    forgetIds: () => firstUses.clear(),
  };
}

function systemEvent(type: string, data: Uint8Array): Proposed {
  return {
    id: crypto.randomUUID(),
    type,
    contentType: 'application/json',
    data,
    metadata: new Uint8Array(),
  };
}

function refusalOf(name: string, events: readonly Proposed[]): Appended | null {
  if (name === '') return { kind: 'refused', why: 'The stream has no name.' };
  if (events.some(({ type }) => type === '')) return { kind: 'refused', why: 'An event has no type.' };
  const size = events.reduce(
    (sum, { data, metadata, type }) => sum + data.length + metadata.length + 2 * type.length,
    0,
  );
  return size > appendSizeMax ? { kind: 'too-large' } : null;
}

/** `new`: the events are to be written. Otherwise the answer of a server that has seen them, or others, before. */
function decide(
  name: string,
  expected: Expected,
  events: readonly Proposed[],
  known: readonly Entry[],
  firstUses: FirstUses,
): Appended | { readonly kind: 'new' } {
  const head = BigInt(known.length - 1);
  const wrong: Appended = { kind: 'wrong-version', actual: head < 0n ? null : head };
  if (expected === 'any' || expected === 'stream-exists') {
    if (expected === 'stream-exists' && head < 0n) return wrong;
    const uses = events.map(({ id }) => firstUses.get(id)).map((use) => (use?.stream === name ? use : null));
    const last = uses.at(-1);
    if (uses[0] === null || last === undefined) return { kind: 'new' };
    if (last === null || uses.includes(null)) return wrong;
    return { kind: 'written', revision: last.revision, position: last.position };
  }
  const revision = expected === 'no-stream' ? -1n : expected;
  if (revision > head) return wrong;
  // At the head no id is looked at: the same event is written twice.
  if (revision === head || events.length === 0) return { kind: 'new' };
  const at = Number(revision) + 1;
  const last = known[at + events.length - 1];
  if (last === undefined || events.some(({ id }, index) => known[at + index]?.id !== id)) return wrong;
  return { kind: 'written', revision: last.revision, position: last.position };
}
