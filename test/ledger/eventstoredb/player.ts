import { createHash } from 'node:crypto';
import {
  type AppendExpectedRevision,
  BACKWARDS,
  binaryEvent,
  END,
  type EventData,
  type EventStoreDBClient,
  eventTypeFilter,
  FORWARDS,
  jsonEvent,
  type Position,
  type RecordedEvent,
  type ResolvedEvent,
  START,
  type StreamSubscription,
  streamNameFilter,
} from '@eventstore/db-client';

/** One recorded call; which fields it has depends on `op`. */
export interface Step {
  readonly op: string;
  readonly stream?: string;
  readonly events?: readonly RecordedProposal[];
  readonly count?: number;
  readonly id?: string;
  readonly expected?: string;
  readonly credentials?: boolean;
  readonly writers?: readonly (readonly RecordedProposal[])[];
  readonly direction?: string;
  readonly from?: string;
  readonly max?: number;
  readonly index?: number;
  readonly as?: string;
  readonly filter?: { readonly prefix?: readonly string[]; readonly types?: readonly string[] };
  readonly take?: number;
  readonly then?: readonly Step[];
  readonly interval?: number;
  readonly showCheckpoints?: boolean;
  readonly varies?: boolean;
  readonly result?: unknown;
}

interface RecordedProposal {
  readonly id: string;
  readonly n?: number;
  readonly data?: unknown;
  readonly binary?: string;
  readonly meta?: unknown;
}

type Subscription = Pick<StreamSubscription, 'on' | 'unsubscribe'>;

/** Time without anything new after which a subscription counts as still open. */
const quietMs = 400;
const credentials = { username: 'admin', password: 'changeit' };

/**
 * Plays the recorded calls of one scenario with the bare client and says what came of each, in the form of the
 * recording, positions apart: those are told as `RecordedPosition`, and ranked when the scenario is over.
 */
export function createPlayer(client: EventStoreDBClient, scenario: string) {
  const names = new Map<string, string>();
  const labels = new Map<string, string>();
  const kept = new Map<string, Position>();
  /** Of events that a subscription delivered: they count among the ranks. */
  const seen: RecordedPosition[] = [];

  const nameOf = (label = '') => {
    const name = label.startsWith('$$') ? `$$${scenario}${label.slice(2)}` : `${scenario}${label}`;
    names.set(name, label);
    return name;
  };
  const labelOf = (name: string) => names.get(name) ?? name.replace(scenario, '');
  const idOf = (label: string) => {
    const hex = createHash('sha1').update(`${scenario}/${label}`).digest('hex');
    const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    labels.set(id, label);
    return id;
  };

  function proposalOf({ id, n, data, binary, meta }: RecordedProposal): EventData {
    const metadata = typeof meta === 'string' ? bytesOf(meta) : (meta as Record<string, unknown>);
    // The recording sent no empty bytes, but what it sends where nothing is said.
    if (binary !== undefined && binary !== '') {
      return binaryEvent({
        id: idOf(id),
        type: 'T',
        data: bytesOf(binary),
        metadata: metadata as Uint8Array,
      });
    }
    const value = data === undefined ? { n: n ?? 0 } : padded(data);
    return jsonEvent({ id: idOf(id), type: 'T', data: value as never, metadata: metadata as never });
  }

  const eventsOf = ({ events = [], count, id }: Step) =>
    count === undefined
      ? events.map(proposalOf)
      : Array.from({ length: count }, (_, n) => proposalOf({ id: `${id}${n}`, n }));

  function told(event: RecordedEvent) {
    const { streamId, revision, id, type, data, metadata, isJson, position, created } = event;
    const long = JSON.stringify(data ?? null)?.length > 10_000;
    return {
      stream: labelOf(streamId),
      revision: String(revision),
      id: labels.get(id) ?? '(server)',
      type,
      ...without({ data: long ? '(long)' : shown(data), metadata: shown(metadata) }),
      isJson,
      position: at(position as Position | undefined),
      created: created instanceof Date ? 'date' : 'none',
    };
  }

  async function append(step: Step) {
    const { success, nextExpectedRevision, position } = await client.appendToStream(
      nameOf(step.stream),
      eventsOf(step) as never[],
      {
        expectedRevision: expectedOf(step.expected),
        ...(step.credentials === true ? { credentials } : {}),
      },
    );
    return without({ success, nextExpectedRevision: String(nextExpectedRevision), position: at(position) });
  }

  async function readAll({ direction, from }: Step) {
    const events: unknown[] = [];
    const reading = client.readAll({
      direction: direction === 'backwards' ? BACKWARDS : FORWARDS,
      fromPosition: from === 'end' ? END : (kept.get(from ?? '') ?? START),
    });
    for await (const { event } of reading) {
      if (event?.streamId.includes(scenario) === true) events.push(told(event as RecordedEvent));
    }
    return { events };
  }

  async function read({ stream, direction, from, max }: Step) {
    const events: unknown[] = [];
    const reading = client.readStream(nameOf(stream), {
      direction: direction === 'backwards' ? BACKWARDS : FORWARDS,
      fromRevision: from === 'end' ? END : from === undefined || from === 'start' ? START : BigInt(from),
      ...(max === undefined ? {} : { maxCount: max }),
    });
    for await (const { event } of reading) if (event !== undefined) events.push(told(event as RecordedEvent));
    return { events };
  }

  async function keep({ stream, index = 0, as = '' }: Step) {
    const reading = client.readStream(nameOf(stream), { fromRevision: BigInt(index), maxCount: 1 });
    for await (const { event } of reading) if (event?.position !== undefined) kept.set(as, event.position);
    return { kept: as };
  }

  async function race({ stream, writers = [], expected }: Step) {
    const outcomes = await Promise.all(
      writers.map((events) =>
        client
          .appendToStream(nameOf(stream), events.map(proposalOf) as never[], {
            expectedRevision: expectedOf(expected),
          })
          .then(() => 'ok')
          .catch((error: { type?: string }) => String(error.type)),
      ),
    );
    return { outcomes: outcomes.sort() };
  }

  async function subscribe({ stream, from, filter, take = 1, then = [], interval, showCheckpoints }: Step) {
    const log: string[] = [];
    const checkpoints: bigint[] = [];
    const checkpointReached = async (_: unknown, { commit }: Position) => void checkpoints.push(commit);
    const options = { checkpointInterval: interval ?? 1, checkpointReached };
    const start = from === 'end' ? END : from === undefined || from === 'start' ? START : null;
    const subscription: Subscription =
      stream === undefined
        ? client.subscribeToAll({
            fromPosition: start ?? (kept.get(from ?? '') as Position),
            filter:
              filter?.types === undefined
                ? streamNameFilter({ prefixes: (filter?.prefix ?? []).map(nameOf), ...options })
                : eventTypeFilter({ prefixes: [...filter.types], ...options }),
          })
        : client.subscribeToStream(nameOf(stream), { fromRevision: start ?? BigInt(from ?? 0) });
    let got = 0;
    let next = 0;
    let acting = false;
    let ended = 'still open';
    let touch: () => void = () => undefined;
    const act = async () => {
      const step = then[next];
      if (step === undefined || acting) return;
      acting = true;
      next += 1;
      log.push(`do ${step.op}`);
      await play(step);
      acting = false;
      touch();
    };
    await new Promise<void>((resolve) => {
      let timer: NodeJS.Timeout;
      touch = () => {
        clearTimeout(timer);
        timer = setTimeout(async () => {
          if (acting) return touch();
          if (next < then.length) await act();
          else resolve();
        }, quietMs);
      };
      subscription
        .on('confirmation', () => log.push('confirmation') && touch())
        .on('caughtUp', () => log.push('caughtUp') && touch())
        .on('data', ({ event }: ResolvedEvent) => {
          touch();
          if (event === undefined || !event.streamId.includes(scenario) || got === take) return;
          if (event.position !== undefined) seen.push(new RecordedPosition(event.position.commit));
          log.push(`event ${labelOf(event.streamId)}@${event.revision}`);
          got += 1;
          if (got < take) return;
          ended = 'stopped';
          resolve();
        })
        .on('error', (error: Error & { type?: string }) => {
          ended = `error ${error.type}`;
          resolve();
        });
      touch();
    });
    await subscription.unsubscribe();
    const ascending = checkpoints.every((one, index) => index === 0 || one >= (checkpoints[index - 1] ?? 0n));
    return {
      log: ended === 'stopped' ? withoutLast(log) : log,
      ended,
      got,
      ...(showCheckpoints === true
        ? { checkpoints: checkpoints.length > 0 ? 'some' : 'none', checkpointsAscending: ascending }
        : {}),
    };
  }

  const calls: Readonly<Record<string, (step: Step) => Promise<unknown>>> = {
    append,
    read,
    readAll,
    keep,
    race,
    subscribe,
    delete: async ({ stream, expected }) => ({
      position: at(
        (await client.deleteStream(nameOf(stream), { expectedRevision: expectedOf(expected) as never }))
          .position,
      ),
    }),
    tombstone: async ({ stream, expected }) => ({
      position: at(
        (await client.tombstoneStream(nameOf(stream), { expectedRevision: expectedOf(expected) as never }))
          .position,
      ),
    }),
    getMeta: async ({ stream }) => {
      const { metadata, streamName, metastreamRevision } = await client.getStreamMetadata(nameOf(stream));
      return { metadata, streamName: labelOf(streamName), hasRevision: metastreamRevision !== undefined };
    },
  };

  async function play(step: Step): Promise<unknown> {
    const call = calls[step.op];
    if (call === undefined) throw new Error(`The player does not know "${step.op}".`);
    try {
      return { ok: await call(step) };
    } catch (error) {
      return { error: toldError(error as Readonly<Record<string, unknown>>) };
    }
  }

  /** What a program may look at. */
  function toldError(error: Readonly<Record<string, unknown>>) {
    const { type, code, streamName, expectedVersion, actualVersion, maxAppendSize } = error;
    return without({
      type,
      code,
      streamName: typeof streamName === 'string' ? labelOf(streamName) : undefined,
      expectedVersion: text(expectedVersion),
      actualVersion: text(actualVersion),
      maxAppendSize,
    });
  }

  return { play, seen };
}

/** A position in a result, until it is ranked. */
export class RecordedPosition {
  readonly commit: bigint;
  constructor(commit: bigint) {
    this.commit = commit;
  }
}

/** Replaces the positions of one scenario by their ranks, among others that were seen: p0 is the lowest. */
export function ranked(results: readonly unknown[], seen: readonly RecordedPosition[]): readonly unknown[] {
  const commits = new Set(seen.map(({ commit }) => commit));
  walk(results, ({ commit }) => commits.add(commit));
  const order = [...commits].sort((a, b) => (a < b ? -1 : 1));
  return walk(results, ({ commit }) => `p${order.indexOf(commit)}`) as readonly unknown[];
}

function walk(value: unknown, replace: (position: RecordedPosition) => unknown): unknown {
  if (value instanceof RecordedPosition) return replace(value);
  if (Array.isArray(value)) return value.map((one) => walk(one, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one, replace)]));
}

function at(position: Position | undefined): RecordedPosition | undefined {
  return position === undefined ? undefined : new RecordedPosition(position.commit);
}

function expectedOf(expected = 'any'): AppendExpectedRevision {
  return /^\d+$/.test(expected) ? BigInt(expected) : (expected as AppendExpectedRevision);
}

function without<Value extends object>(value: Value): Partial<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<Value>;
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function shown(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

function padded(data: unknown): unknown {
  const size = (data as { readonly pad?: unknown } | null)?.pad;
  return typeof size === 'number' ? { text: 'x'.repeat(size) } : data;
}

/** Signals after the last event that was asked for may or may not be seen before the subscription ends. */
function withoutLast(log: readonly string[]): readonly string[] {
  return log.slice(0, log.findLastIndex((line) => line.startsWith('event ')) + 1);
}
