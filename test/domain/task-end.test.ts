import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedTrackEvent } from '../../src/domain/events.ts';
import { replay } from '../../src/domain/evolve.ts';
import { defaultRetryPolicy } from '../../src/domain/retry-policy.ts';
import { fewRequests, plainRequest } from '../support/generators.ts';
import { createTrackWorld, request } from '../support/track-world.ts';
import type { Obstacle, Providers, WorkerStep } from '../support/worker-model.ts';
import {
  anyFates,
  anyHabits,
  anyProviders,
  befall,
  noObstacle,
  shortLivedPolicy,
  waitMsMin,
} from '../support/world-generators.ts';

/** A hop ends the task, fails, or waits; so many can there be before the attempts or the time are over. */
const hopsMax = shortLivedPolicy.attemptsMax + shortLivedPolicy.ageMsMax / waitMsMin + 1;

const nothingKnown: Providers['knows'] = () => ({ kind: 'missing', reason: 'no-result', bodyHash: 'hash' });

function endsOf(events: readonly RecordedTrackEvent[]): Map<string, string[]> {
  const ends = new Map<string, string[]>();
  for (const { event } of events) {
    const { taskId } = event.meta;
    const sofar = ends.get(taskId) ?? [];
    ends.set(taskId, sofar);
    if (event.type === 'Enriched') sofar.push('enriched');
    if (event.type === 'Failed' && event.data.final) sofar.push(event.data.reason);
  }
  return ends;
}

describe('every accepted task', () => {
  it('is enriched or failed for good, once, within bounded hops, whatever providers say and whoever dies', () => {
    fc.assert(
      fc.property(
        anyProviders,
        anyHabits,
        fewRequests,
        fewRequests,
        anyFates(12),
        (providers, habits, one, other, fates) => {
          const world = createTrackWorld(providers, habits);
          request(world, 'one', one);
          request(world, 'other', other);
          befall(world, fates);
          world.settle();
          const ends = endsOf(world.events);
          for (const [taskId, its] of ends) expect(its, taskId).toHaveLength(1);
          const followUps = world.events.flatMap(({ event }) =>
            event.type === 'Enriched'
              ? event.data.leftOut.map(({ provider }) => `${event.meta.taskId}+${provider}`)
              : [],
          );
          expect([...ends.keys()].toSorted()).toEqual(['one', 'other', ...followUps].toSorted());
          for (const { event } of world.events) expect(event.meta.hop).toBeLessThan(hopsMax);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('that makes follow-ups makes one for each provider that it left out, and they make none', () => {
    fc.assert(
      fc.property(anyProviders, anyHabits, fewRequests, (providers, habits, asked) => {
        const world = createTrackWorld(providers, habits);
        request(world, 'task', asked);
        world.settle();
        for (const task of replay(world.events).tasks.values()) {
          const { end, origin } = task;
          const names = end?.leftOut.map(({ provider }) => provider) ?? [];
          expect(new Set(names).size).toBe(names.length);
          if (origin.kind === 'follow-up' && end?.kind === 'enriched') expect(names).toEqual([]);
        }
      }),
    );
  });

  const always = (obstacle: Obstacle): Providers => ({ knows: nothingKnown, obstacle: () => obstacle });
  const message = 'no';
  it.each([
    ['is closed', { kind: 'closed', forMs: waitMsMin }, 'too_old'],
    ['is closed for longer than a task lives', { kind: 'closed', forMs: 99 * waitMsMin }, 'too_old'],
    ['throttles', { kind: 'throttled', scope: 'rate', retryAfterMs: waitMsMin, message }, 'too_old'],
    ['fails', { kind: 'unavailable', reason: 'timeout', retryAfterMs: null, message }, 'unavailable'],
    ['takes our queries for wrong', { kind: 'misused', message }, 'not_found'],
    ['knows nothing', noObstacle, 'not_found'],
  ] as const)('fails for good where every provider %s and does so for ever', (_, obstacle, reason) => {
    fc.assert(
      fc.property(anyHabits, (habits) => {
        const world = createTrackWorld(always(obstacle), habits);
        request(world, 'task', plainRequest);
        world.settle();
        expect([...endsOf(world.events)]).toEqual([['task', [reason]]]);
      }),
      { numRuns: 10 },
    );
  });
});

describe('a task that kills its worker', () => {
  // Not at `parsed` and `appending`: who dies before every first append is seen by the broker alone.
  it.each<WorkerStep>(['called', 'appended', 'published', 'unacked'])(
    'each time it gets to "%s" ends all the same',
    (deadly) => {
      fc.assert(
        fc.property(anyProviders, anyHabits, fewRequests, (providers, habits, asked) => {
          const world = createTrackWorld(providers, habits);
          request(world, 'task', asked);
          // Consequences are published again by every delivery: let those through that have nothing else to do.
          for (let deaths = 0; deaths < 60; deaths++) {
            for (let step = world.step(0); step !== deadly && step !== null; step = world.step(0));
            world.kill(0);
          }
          world.settle();
          const ends = endsOf(world.events);
          expect(ends.has('task')).toBe(true);
          for (const [taskId, its] of ends) expect(its, taskId).toHaveLength(1);
        }),
        { numRuns: 40 },
      );
    },
  );

  it('ends with the delivery that is one too many, as one that crashes, and that delivery calls nobody', () => {
    fc.assert(
      fc.property(anyHabits, (habits) => {
        const world = createTrackWorld({ knows: nothingKnown, obstacle: () => noObstacle }, habits);
        request(world, 'task', plainRequest);
        let deaths = 0;
        for (let step = world.step(0); step !== null; step = world.step(0)) {
          if (step !== 'called') continue;
          world.kill(0);
          deaths += 1;
        }
        expect(deaths).toBe(defaultRetryPolicy.deliveriesMax - 1);
        expect([...endsOf(world.events)]).toEqual([['task', ['crashes']]]);
      }),
    );
  });
});
