import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consequencesOf } from '../../src/domain/consequence.ts';
import { decisionsOf } from '../../src/domain/decisions.ts';
import { replay } from '../../src/domain/evolve.ts';
import { newestRequest } from '../../src/domain/merging.ts';
import { defaultRetryPolicy } from '../../src/domain/retry-policy.ts';
import { defaultRules, type Rules } from '../../src/domain/rules.ts';
import { standingOf } from '../../src/domain/state.ts';
import { anyRules } from '../support/any-rules.ts';
import { matching, plainRequest } from '../support/generators.ts';
import { newestEnriched, redecided, redecisionOf, stepsOf } from '../support/redecided.ts';
import { anyStream, anyWorkersStream, grow } from '../support/streams.ts';

describe('deciding again', () => {
  it('by the rules of workers changes nothing of what they decided', () => {
    fc.assert(
      fc.property(anyStream, ({ events }) => {
        expect(redecisionOf(events, defaultRules)).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  it('twice is once, and what was decided again before makes no difference', () => {
    fc.assert(
      fc.property(anyStream, anyRules, anyRules, ({ events }, first, then) => {
        const once = redecided(events, first);
        expect(redecisionOf(once, first)).toBeNull();
        expect(newestEnriched(redecided(once, then))?.data.snapshot ?? {}).toEqual(
          newestEnriched(redecided(events, then))?.data.snapshot ?? {},
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('takes every value from an answer that stands before the decision, and follows no later answer', () => {
    fc.assert(
      fc.property(anyWorkersStream, anyRules, ({ events }, rules) => {
        const redecision = redecisionOf(events, rules);
        if (redecision === null) return;
        for (const { eventId, revision } of Object.values(redecision.snapshot)) {
          expect(revision).toBeLessThan(redecision.basis.revision);
          expect(events.find(({ event }) => event.id === eventId)?.revision).toBe(revision);
        }
      }),
    );
  });

  it('ends no task, opens none, and brings no other follow-ups', () => {
    fc.assert(
      fc.property(anyWorkersStream, anyRules, ({ events }, rules) => {
        const before = replay(events);
        const after = replay(redecided(events, rules));
        expect([...after.tasks.keys()]).toEqual([...before.tasks.keys()]);
        for (const [taskId, task] of before.tasks) {
          const now = after.tasks.get(taskId);
          if (now === undefined) throw new Error(`${taskId} is gone.`);
          const { hop, origin } = task;
          expect(standingOf(after, { taskId, hop, origin })).toBe(
            standingOf(before, { taskId, hop, origin }),
          );
          expect(consequencesOf(now)).toEqual(consequencesOf(task));
        }
        expect(newestRequest(after)).toEqual(newestRequest(before));
        expect(after.found).toEqual(before.found);
      }),
    );
  });

  it('names every field that differs, and no other', () => {
    fc.assert(
      fc.property(anyWorkersStream, anyRules, ({ events }, rules) => {
        const redecision = redecisionOf(events, rules);
        if (redecision === null) return;
        const before = newestEnriched(events)?.data.snapshot ?? {};
        const fields = [
          ...Object.keys(before),
          ...Object.keys(redecision.snapshot),
        ] as (keyof typeof before)[];
        const differing = fields.filter(
          (field) => JSON.stringify(before[field]) !== JSON.stringify(redecision.snapshot[field]),
        );
        expect(redecision.changes.map(({ field }) => field).toSorted()).toEqual(
          [...new Set(differing)].toSorted(),
        );
        for (const { before: old, after, reason } of redecision.changes) {
          if (old === null) expect(reason).toBe('matches-now');
          if (reason === 'no-longer-matches') expect(after?.eventId).not.toBe(old?.eventId);
        }
      }),
    );
  });

  it('takes all values away where nothing matches any more', () => {
    const none: Rules = { ...defaultRules, matching: { ...defaultRules.matching, confidenceMin: 2 } };
    fc.assert(
      fc.property(anyWorkersStream, ({ events }) => {
        const { snapshot = {}, sources = [] } = newestEnriched(redecided(events, none))?.data ?? {};
        expect([Object.keys(snapshot), sources]).toEqual([[], []]);
      }),
    );
  });

  it('gives values to a track that nobody knew, where an answer matches now; and takes them back by the old rules', () => {
    const common = {
      at: '2026-01-01T00:00:00.000Z',
      taskId: 'first',
      hop: 0,
      correlationId: 'first',
      causationId: null,
      traceparent: null,
    };
    const policy = defaultRetryPolicy;
    const request = { ...plainRequest, durationMs: 200_000 };
    const { artist, title } = request;
    const candidates = [{ ...matching, durationMs: 240_000 }];
    const call = {
      provider: 'spotify',
      lookup: { kind: 'search', artist, title },
      outcome: { kind: 'found', candidates, bodyHash: 'hash' },
      httpStatus: 200,
      durationMs: 1,
      calledAt: common.at,
    } as const;
    const origin = { kind: 'request' } as const;
    const { events } = grow([
      { ...common, eventId: 'e0', type: 'ReceiveTask', request, origin, deliveredAgain: false, policy },
      { ...common, eventId: 'e1', type: 'RecordCall', call },
      { ...common, eventId: 'e2', type: 'CompleteHop', needed: ['spotify'], leftOut: [], policy, random: 0 },
    ]);
    expect(events.at(-1)?.event.data).toMatchObject({ reason: 'not_found', final: true });
    const loose: Rules = {
      ...defaultRules,
      matching: { ...defaultRules.matching, durationToleranceMs: 60_000 },
    };
    const known = redecided(events, loose);
    expect(known.at(-1)?.event).toMatchObject({
      type: 'Enriched',
      data: { redecides: 'e2', status: 'partial', snapshot: { bpm: { value: 120, eventId: 'e1' } } },
      meta: { taskId: 'first', causationId: 'e2' },
    });
    expect(replay(known).tasks.get('first')?.end?.kind).toBe('enriched');
    const back = redecided(known, defaultRules);
    expect(back.at(-1)?.event).toMatchObject({ data: { redecides: 'e2', snapshot: {}, sources: [] } });
    expect(back.at(-1)?.event.meta.causationId).toBe(known.at(-1)?.event.id);
    expect(redecided(back, defaultRules)).toEqual(back);
  });
});

it('decisions are folded as the state of a track is', () => {
  fc.assert(
    fc.property(anyStream, ({ events, states }) => {
      const { enriched, notFound, standing } = decisionsOf(stepsOf(events));
      for (const basis of [enriched, notFound]) {
        if (basis === null) continue;
        const before = states[basis.revision];
        const ids = (found: readonly { readonly eventId: string }[]) => found.map(({ eventId }) => eventId);
        expect(ids(basis.found)).toEqual(ids(before?.found ?? []));
        expect(basis.request).toEqual(
          (before && newestRequest(before)) ?? before?.tasks.get(basis.taskId)?.request,
        );
      }
      expect(standing?.eventId ?? null).toBe(newestEnriched(events)?.id ?? null);
    }),
  );
});
