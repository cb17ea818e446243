import type { AnswerCache } from '../cache/answer-cache.ts';
import type { SingleFlight } from '../cache/single-flight.ts';
import { isAnswer, type Lookup, type Outcome, type SharedAnswer } from '../domain/answer.ts';
import type { ApiCalled, LeftOut } from '../domain/events.ts';
import { lookupKey, nextLookup } from '../domain/lookup.ts';
import type { Lane } from '../domain/priority.ts';
import type { Provider } from '../domain/provider.ts';
import type { TaskRequest } from '../domain/task.ts';
import type { ProviderGates } from '../providers/gate.ts';
import { gateReportOf } from '../providers/gate-report.ts';
import type { ProviderClient } from '../providers/provider-client.ts';
import type { CallPace } from './call-pace.ts';
import type { Credentials } from './credentials.ts';
import type { FlightValue } from './flight-value.ts';
import { reachCall } from './reach-call.ts';

/** An answer is recorded at most this long after it came, so that answers that come together share an append. */
const recordAnswerWithinMs = 50;
/** Calls of one lookup within a hop: the first, and one more where it was no answer. */
const callsMax = 2;
/** How often a task asks again after the flight that it followed was turned away at the gate. */
const followsMax = 3;

/** What asking one provider came to, beyond the facts that it recorded. */
export type Asked =
  | { readonly kind: 'answered' }
  | { readonly kind: 'left-out'; readonly leftOut: LeftOut }
  | { readonly kind: 'unauthorised' };

export interface AskServices {
  readonly cache: AnswerCache;
  readonly flights: SingleFlight<FlightValue>;
  readonly gates: ProviderGates;
  readonly pace: CallPace;
  readonly clients: Readonly<Partial<Record<Provider, ProviderClient>>>;
  readonly credentials: Credentials;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly newId: () => string;
  /** The cache was asked and had nothing. */
  readonly onCacheMiss?: (provider: Provider) => void;
}

/** The part of a task that asking needs. */
export interface Asking {
  readonly request: TaskRequest;
  readonly lane: Lane;
  readonly patienceMs: number;
  /** What this provider answered in this task before. */
  readonly outcomes: readonly { readonly lookup: Lookup; readonly outcome: Outcome }[];
  /** The gate was asked, or need not be. */
  readonly onAsked: () => void;
  /** Resolves when the call stands in the stream; `superseded` where another worker's counts. */
  readonly recordCall: (
    eventId: string,
    call: Omit<ApiCalled['data'], 'superseded'>,
    withinMs: number,
  ) => Promise<'recorded' | 'superseded'>;
  readonly recordCacheHit: (shared: SharedAnswer, via: 'cache' | 'flight') => void;
}

/** Asks one provider all that this task needs of it: recorded, then cached, then called through its gate. */
export async function askProvider(provider: Provider, asking: Asking, services: AskServices): Promise<Asked> {
  const outcomes = [...asking.outcomes];
  let follows = 0;
  for (;;) {
    const lookup = nextLookup(provider, asking.request, outcomes);
    if (lookup === null) return { kind: 'answered' };
    const key = lookupKey(provider, lookup);
    const cached = asking.request.forceRefresh ? null : await services.cache.get(key);
    if (cached !== null) {
      asking.recordCacheHit(cached, 'cache');
      outcomes.push({ lookup, outcome: cached.answer });
      continue;
    }
    if (!asking.request.forceRefresh) services.onCacheMiss?.(provider);
    const { role, value } = await fly(provider, lookup, key, asking, services);
    if (value.kind === 'answer') {
      if (role === 'followed') asking.recordCacheHit(value.shared, 'flight');
      outcomes.push({ lookup, outcome: value.shared.answer });
    } else if (value.kind === 'turned-away') {
      // The leader's patience was not ours: ask the gate ourselves before giving up.
      if (role === 'followed' && ++follows < followsMax) continue;
      return leftOut(provider, 'waiting', value.untilMs);
    } else if (value.outcome.kind === 'misused') {
      // Nothing that could be shared: each has its own query refused, one flight after the other.
      if (role === 'followed') continue;
      outcomes.push({ lookup, outcome: value.outcome });
    } else if (value.outcome.kind === 'unauthorised') {
      return { kind: 'unauthorised' };
    } else {
      return leftOut(provider, value.outcome.kind === 'throttled' ? 'waiting' : 'fault', value.untilMs);
    }
  }
}

/**
 * One flight. Followers get the answer once it is recorded and cached; the leader goes on as soon as it has it,
 * because its own append brings the answer along.
 */
async function fly(
  provider: Provider,
  lookup: Lookup,
  key: string,
  asking: Asking,
  services: AskServices,
): Promise<{ role: 'led' | 'followed'; value: FlightValue }> {
  return new Promise((resolve, reject) => {
    services.flights
      .run(key, async () => {
        // Another flight may have landed between the look into the cache and the begin of this one.
        const landed = asking.request.forceRefresh ? null : await services.cache.get(key);
        if (landed !== null) {
          const value = { kind: 'answer', shared: landed } as const;
          resolve({ role: 'followed', value });
          return value;
        }
        const { value, recorded } = await lead(provider, lookup, asking, services);
        resolve({ role: 'led', value });
        if (value.kind !== 'answer') return value;
        if ((await recorded) === 'superseded') return { kind: 'turned-away', untilMs: services.now() };
        await services.cache.set(key, value.shared);
        return value;
      })
      .then(resolve, reject);
  });
}

async function lead(
  provider: Provider,
  lookup: Lookup,
  asking: Asking,
  services: AskServices,
): Promise<{ value: FlightValue; recorded: Promise<'recorded' | 'superseded'> }> {
  const { gates, clients, credentials, now, newId } = services;
  let value: FlightValue = { kind: 'turned-away', untilMs: now() };
  const client = clients[provider];
  for (let calls = 0; calls < callsMax && client !== undefined; calls++) {
    const { lane, patienceMs, onAsked } = asking;
    const pass = await reachCall({ ...services, client, lane, patienceMs, onAsked });
    if (pass.kind === 'refused') {
      if (calls === 0) value = { kind: 'turned-away', untilMs: pass.untilMs };
      break;
    }
    const calledAt = new Date(now()).toISOString();
    const eventId = newId();
    const { outcome, httpStatus, durationMs } = await client.call(lookup);
    await gates.report(provider, gateReportOf(outcome));
    credentials.saw(provider, outcome);
    const call = { provider, lookup, outcome, httpStatus, durationMs, calledAt };
    const recorded = asking.recordCall(eventId, call, recordAnswerWithinMs);
    // Whoever waits for it sees the failure; here it must only not go unhandled.
    recorded.catch(() => undefined);
    if (isAnswer(outcome)) {
      return {
        value: { kind: 'answer', shared: { provider, lookup, answer: outcome, calledAt, eventId } },
        recorded,
      };
    }
    value = { kind: 'no-answer', outcome, untilMs: now() + gates.nextFreeInMs(provider) };
    if (outcome.kind !== 'unavailable') break;
  }
  return { value, recorded: Promise.resolve('recorded') };
}

function leftOut(provider: Provider, cause: LeftOut['cause'], untilMs: number): Asked {
  return { kind: 'left-out', leftOut: { provider, cause, until: new Date(untilMs).toISOString() } };
}
