import { createHash } from 'node:crypto';
import type { Lookup, Outcome, SharedAnswer } from '../../src/domain/answer.ts';
import { isAnswer } from '../../src/domain/answer.ts';
import { consequencesOf } from '../../src/domain/consequence.ts';
import { type Command, decideAll } from '../../src/domain/decide.ts';
import type { LeftOut, TrackEvent } from '../../src/domain/events.ts';
import { lookupKey, nextLookup } from '../../src/domain/lookup.ts';
import { type Provider, providers } from '../../src/domain/provider.ts';
import { defaultRetryPolicy as policy } from '../../src/domain/retry-policy.ts';
import { emptyTrack } from '../../src/domain/state.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { TaskOrigin } from '../../src/domain/task.ts';
import { followUpTaskId } from '../../src/queue/task-id.ts';
import { randomFrom } from '../../test/support/random.ts';
import { answerOf, inventTrack, uuid } from './catalogue.ts';

/** One append of a worker. */
export interface Append {
  readonly stream: string;
  /** Of its first event. */
  readonly revision: number;
  readonly events: readonly TrackEvent[];
  /** When it comes among the appends of all tracks: those of one round together. */
  readonly round: number;
}

interface Message {
  readonly taskId: string;
  readonly origin: TaskOrigin;
  readonly hop: number;
  readonly dueMs: number;
  readonly round: number;
}

export const rounds = 4;

const beganMs = Date.parse('2026-01-01T00:00:00.000Z');
const refreshedAfterMs = 40 * 24 * 3_600_000;

/**
 * The life of the n-th track, deterministic, decided by the domain as a worker has it decided: a request, what follows
 * from it, and for six tracks of seven a second request forty days later, whose answers in part come from the cache.
 */
export function storyOf(n: number): readonly Append[] {
  const random = randomFrom(n + 1);
  const trackId = createHash('sha256').update(`bench ${n}`).digest('hex').slice(0, 16);
  const stream = trackStream(trackId);
  const { request, candidates } = inventTrack(trackId, random);
  const cache = new Map<string, SharedAnswer>();
  const appends: Append[] = [];
  let state = emptyTrack;
  const isKnown = random() < 0.98;
  const asks = (dueMs: number, round: number): Message => {
    return { taskId: uuid(random), origin: { kind: 'request' }, hop: 0, dueMs, round };
  };
  const messages = [asks(beganMs + n * 37, 0)];
  if (random() < 6 / 7) messages.push(asks(beganMs + refreshedAfterMs + n * 37, 2));

  for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
    const { taskId, hop, origin, round } = message;
    let nowMs = message.dueMs;
    const receivedId = uuid(random);
    const context = (eventId: string, causationId: string | null) => {
      const at = new Date(nowMs).toISOString();
      return { eventId, at, taskId, hop, correlationId: taskId, causationId, traceparent: null };
    };
    const commands: Command[] = [
      { ...context(receivedId, null), type: 'ReceiveTask', request, origin, deliveredAgain: false, policy },
    ];
    const leftOut: LeftOut[] = [];
    // Now and then every provider is closed, or every provider fails.
    const fortune = random();

    function ask(provider: Provider): void {
      const outcomes: { lookup: Lookup; outcome: Outcome }[] = [
        ...(state.tasks.get(taskId)?.outcomes.filter((one) => one.provider === provider) ?? []),
      ];
      for (;;) {
        const lookup = nextLookup(provider, request, outcomes);
        if (lookup === null) return;
        const shared = cache.get(lookupKey(provider, lookup));
        if (shared !== undefined && random() < 0.3) {
          outcomes.push({ lookup, outcome: shared.answer });
          commands.push({
            ...context(uuid(random), receivedId),
            type: 'RecordCacheHit',
            shared,
            via: 'cache',
          });
          continue;
        }
        const chance = fortune < 0.02 ? fortune * 2.5 : random();
        if (chance < 0.03) {
          leftOut.push({ provider, cause: 'waiting', until: new Date(nowMs + 45_000).toISOString() });
          return;
        }
        const fails = chance < 0.05;
        const outcome: Outcome = fails
          ? {
              kind: 'unavailable',
              reason: 'server-error',
              retryAfterMs: null,
              message: 'The server answered 502.',
            }
          : answerOf(candidates[provider], isKnown, random);
        const calledAt = new Date(nowMs).toISOString();
        const durationMs = 20 + Math.floor(random() ** 4 * 3000);
        nowMs += durationMs;
        const eventId = uuid(random);
        const call = { provider, lookup, outcome, httpStatus: fails ? 502 : 200, durationMs, calledAt };
        commands.push({ ...context(eventId, receivedId), type: 'RecordCall', call });
        if (isAnswer(outcome)) {
          cache.set(lookupKey(provider, lookup), { provider, lookup, answer: outcome, calledAt, eventId });
          outcomes.push({ lookup, outcome });
        } else {
          leftOut.push({ provider, cause: 'fault', until: new Date(nowMs).toISOString() });
          return;
        }
      }
    }

    const needed = origin.kind === 'follow-up' ? [origin.provider] : providers;
    for (const provider of needed) ask(provider);
    const findings = { needed, leftOut, policy, random: random() };
    commands.push({ ...context(uuid(random), receivedId), type: 'CompleteHop', ...findings });
    const decided = decideAll(state, commands);
    appends.push({ stream, revision: state.revision + 1, events: decided.events, round });
    state = decided.state;

    const task = state.tasks.get(taskId);
    const next = (task === undefined ? [] : consequencesOf(task)).map((one): Message => {
      const dueMs = Date.parse(one.dueAt);
      const later = { dueMs, round: round | 1 };
      if (one.kind === 'next-hop') return { ...message, ...later, hop: one.hop };
      const { provider } = one;
      const followUp = { kind: 'follow-up', ofTaskId: taskId, provider } as const;
      return { taskId: followUpTaskId(stream, taskId, provider), origin: followUp, hop: 0, ...later };
    });
    messages.unshift(...next);
  }
  return appends;
}
