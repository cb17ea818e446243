import { describe, expect, it } from 'vitest';
import { defaultRetryPolicy } from '../../src/domain/retry-policy.ts';
import { matching, plainRequest } from '../support/generators.ts';
import { storyOf } from '../support/story.ts';
import { createTrackWorld, request, type TrackWorld } from '../support/track-world.ts';
import type { Obstacle, Providers, WorkerStep } from '../support/worker-model.ts';

const found: Providers['knows'] = () => ({ kind: 'found', candidates: [matching], bodyHash: 'hash' });
const down: Obstacle = { kind: 'unavailable', reason: 'timeout', retryAfterMs: null, message: 'no' };
const closed: Obstacle = { kind: 'closed', forMs: 5000 };
const none: Obstacle = { kind: 'none' };

const scenarios = {
  /** Last.fm is closed once: the task is enriched without it and makes a follow-up. */
  enriched: {
    knows: found,
    obstacle: (taskId, _, provider) => (taskId === 'task' && provider === 'lastfm' ? closed : none),
  },
  /** Every call of the first hop fails. */
  failed: { knows: found, obstacle: (_, hop) => (hop === 0 ? down : none) },
  deferred: { knows: found, obstacle: (_, hop) => (hop === 0 ? closed : none) },
} as const satisfies Record<string, Providers>;

const habits = { assumeNew: true, appendApart: true, answersLost: false, policy: defaultRetryPolicy };

function started(scenario: keyof typeof scenarios): TrackWorld {
  const world = createTrackWorld(scenarios[scenario], habits);
  request(world, 'task', plainRequest);
  return world;
}

function goTo(world: TrackWorld, step: WorkerStep, times: number): void {
  for (let seen = 0; seen < times; ) {
    const taken = world.step(0);
    if (taken === null) throw new Error(`It came to rest before "${step}" was seen ${times} times.`);
    if (taken === step) seen += 1;
  }
}

const received = 'TaskReceived';
const called = 'ApiCalled';

describe('a worker that is cut off leaves nothing undone, and repeats at most the call that was in flight:', () => {
  /** `again`: what the cut makes happen once more. */
  it.each<{
    readonly row: string;
    readonly scenario: keyof typeof scenarios;
    readonly at: readonly [WorkerStep, number];
    readonly alive?: boolean;
    readonly ledger: readonly string[];
    readonly again: { readonly calls: number; readonly messages: number };
  }>([
    { row: 'parsed', scenario: 'enriched', at: ['parsed', 1], ledger: [], again: { calls: 0, messages: 0 } },
    {
      row: 'TaskReceived alone',
      scenario: 'enriched',
      at: ['appended', 1],
      ledger: [received],
      again: { calls: 0, messages: 0 },
    },
    {
      row: 'a call was answered, not yet appended',
      scenario: 'enriched',
      at: ['called', 1],
      ledger: [received],
      again: { calls: 1, messages: 0 },
    },
    {
      row: 'an append was not sent',
      scenario: 'enriched',
      at: ['appending', 2],
      ledger: [received],
      again: { calls: 1, messages: 0 },
    },
    {
      row: 'an append was sent, its outcome unknown',
      scenario: 'enriched',
      at: ['appended', 2],
      ledger: [received, called],
      again: { calls: 0, messages: 0 },
    },
    {
      row: 'Enriched appended, no follow-up published',
      scenario: 'enriched',
      at: ['appended', 4],
      ledger: [received, called, called, 'Enriched'],
      again: { calls: 0, messages: 0 },
    },
    {
      row: 'Enriched appended, follow-ups published',
      scenario: 'enriched',
      at: ['published', 1],
      ledger: [received, called, called, 'Enriched'],
      again: { calls: 0, messages: 1 },
    },
    {
      row: 'Failed appended, next hop not published',
      scenario: 'failed',
      at: ['appended', 5],
      ledger: [received, called, called, called, 'Failed'],
      again: { calls: 0, messages: 0 },
    },
    {
      row: 'Deferred appended, next hop not published',
      scenario: 'deferred',
      at: ['appended', 2],
      ledger: [received, 'Deferred'],
      again: { calls: 0, messages: 0 },
    },
    {
      row: 'next hop published, not acked',
      scenario: 'failed',
      at: ['published', 1],
      ledger: [received, called, called, called, 'Failed'],
      again: { calls: 0, messages: 1 },
    },
    {
      row: 'ack lost',
      scenario: 'enriched',
      at: ['unacked', 1],
      alive: true,
      ledger: [received, called, called, 'Enriched'],
      again: { calls: 0, messages: 1 },
    },
    {
      row: 'consumer timeout with the worker alive',
      scenario: 'enriched',
      at: ['called', 1],
      alive: true,
      ledger: [received],
      again: { calls: 1, messages: 1 },
    },
  ])('$row ($scenario)', ({ scenario, at: [step, times], alive, ledger, again }) => {
    const undisturbed = started(scenario);
    undisturbed.settle();
    const world = started(scenario);
    goTo(world, step, times);
    expect(world.events.map(({ event }) => event.type)).toEqual(ledger);
    if (alive === true) {
      world.timeOut(0);
      // The other worker goes first, the one that was taken for dead comes late.
      while (world.step(1) !== null);
    } else world.kill(0);
    world.settle();
    expect(storyOf(world.events)).toEqual(storyOf(undisturbed.events));
    expect(world.calls - undisturbed.calls).toBe(again.calls);
    expect(world.published - undisturbed.published).toBe(again.messages);
  });
});
