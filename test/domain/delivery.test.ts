import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskRequest } from '../../src/domain/task.ts';
import { fewRequests } from '../support/generators.ts';
import { storyOf } from '../support/story.ts';
import { createTrackWorld, request, type TrackWorld } from '../support/track-world.ts';
import type { Providers, WorkerHabits } from '../support/worker-model.ts';
import { anyFates, anyHabits, anyProviders, befall } from '../support/world-generators.ts';

/** Disasters that a task survives: the fifth delivery of a hop would end it. */
const disastersMax = 3;

function worldWith(providers: Providers, habits: WorkerHabits, asked: TaskRequest): TrackWorld {
  const world = createTrackWorld(providers, habits);
  request(world, 'task', asked);
  return world;
}

function undisturbed(providers: Providers, habits: WorkerHabits, asked: TaskRequest): TrackWorld {
  const world = worldWith(providers, habits, asked);
  world.settle();
  return world;
}

describe('a task leaves the stream as one delivery would, calls in flight apart,', () => {
  it('wherever its worker dies, whatever was sent by then', () => {
    fc.assert(
      fc.property(anyProviders, anyHabits, fewRequests, (providers, habits, asked) => {
        const expected = storyOf(undisturbed(providers, habits, asked).events);
        for (let steps = 1, running = true; running; steps++) {
          const world = worldWith(providers, habits, asked);
          for (let taken = 0; taken < steps; taken++) running = world.step(0) !== null;
          world.kill(0);
          world.settle();
          expect(storyOf(world.events), `killed after ${steps} steps`).toEqual(expected);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('when two workers have it at once, die, and are taken for dead', () => {
    fc.assert(
      fc.property(
        anyProviders,
        anyHabits,
        fewRequests,
        anyFates(disastersMax),
        fc.boolean(),
        (providers, habits, asked, fates, twice) => {
          const expected = storyOf(undisturbed(providers, habits, asked).events, false);
          const world = worldWith(providers, habits, asked);
          if (twice) request(world, 'task', asked);
          befall(world, fates);
          world.settle();
          expect(storyOf(world.events, false)).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('when its message comes again after everything is over: not one fact is added', () => {
    fc.assert(
      fc.property(anyProviders, anyHabits, fewRequests, (providers, habits, asked) => {
        const world = undisturbed(providers, habits, asked);
        const facts = world.events.length;
        const { calls } = world;
        request(world, 'task', asked);
        world.settle();
        // A worker that does not look first calls again; the stream then tells it that it came late.
        const late = world.events.slice(facts).map(({ event }) => event);
        if (!habits.assumeNew || asked.forceRefresh) expect([late, world.calls]).toEqual([[], calls]);
        for (const event of late)
          expect(event).toMatchObject({ type: 'ApiCalled', data: { superseded: true } });
      }),
    );
  });

  it('whether its facts are appended one by one or together', () => {
    fc.assert(
      fc.property(anyProviders, anyHabits, fewRequests, (providers, habits, asked) => {
        const [apart, together] = [true, false].map((appendApart) =>
          storyOf(undisturbed(providers, { ...habits, appendApart }, asked).events),
        );
        expect(apart).toEqual(together);
      }),
    );
  });
});
