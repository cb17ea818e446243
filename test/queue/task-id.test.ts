import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providers } from '../../src/domain/provider.ts';
import { followUpTaskId, randomId, replayTaskId, rowTaskId } from '../../src/queue/task-id.ts';

const uuidV5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('derived task ids', () => {
  it.each([
    ['a row', rowTaskId('track-abc', 1), '3d90f088-ac9c-5745-80df-c4372d5eccf1'],
    ['a row, again', rowTaskId('track-abc', 1, 2), '3d90cf5a-a103-59f3-a622-13c9d5767409'],
    [
      'a follow-up',
      followUpTaskId('track-abc', 'task', 'musicbrainz'),
      '4ab9cd06-e998-59ce-8a88-4db0e98d98bb',
    ],
    ['a replay', replayTaskId('track-Кино', 'task', 1), 'bd41cccc-0343-5dfd-a45f-00f6fdf4f432'],
    ['a stream with a lone surrogate', rowTaskId('track-\ud800', 1), '618fba2f-ec4d-5ec1-8ae8-f6b1d6769c63'],
  ])('never change: %s', (_, id, golden) => {
    expect(id).toBe(golden);
    expect(id).toMatch(uuidV5);
  });

  it('are equal for equal parts and else differ, whatever the parts contain', () => {
    const stream = fc.string({ unit: 'binary', maxLength: 4 });
    const task = fc.string({ maxLength: 4 });
    const parts = fc.oneof(
      fc.tuple(fc.constant('row' as const), stream, fc.nat(3), fc.nat(3)),
      fc.tuple(fc.constant('follow-up' as const), stream, task, fc.constantFrom(...providers)),
      fc.tuple(fc.constant('replay' as const), stream, task, fc.nat(3)),
    );
    const idOf = (of: typeof parts extends fc.Arbitrary<infer Parts> ? Parts : never) => {
      if (of[0] === 'row') return rowTaskId(of[1], of[2], of[3]);
      return of[0] === 'follow-up' ? followUpTaskId(of[1], of[2], of[3]) : replayTaskId(of[1], of[2], of[3]);
    };
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(idOf(one) === idOf(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });
});

it('a random id is a UUID and never the same', () => {
  expect(randomId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(Array.from({ length: 100 }, randomId)).size).toBe(100);
});
