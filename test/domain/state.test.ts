import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/domain/decide.ts';
import {
  emptyTrack,
  standingOf,
  type TaskEnd,
  type TaskState,
  type TrackState,
} from '../../src/domain/state.ts';
import type { TaskOrigin } from '../../src/domain/task.ts';
import { plainRequest } from '../support/generators.ts';
import { anyCommand, anyStream } from '../support/streams.ts';

const at = '2026-01-01T00:00:00.000Z';
const asked: TaskOrigin = { kind: 'request' };
const following: TaskOrigin = { kind: 'follow-up', ofTaskId: 'parent', provider: 'lastfm' };
const ended: TaskEnd = { kind: 'failed', eventId: 'e', leftOut: [] };

const task: TaskState = {
  taskId: 'task',
  origin: asked,
  request: plainRequest,
  correlationId: 'task',
  receivedEventId: 'e',
  newestReceivedEventId: 'e',
  receivedAt: at,
  hop: 0,
  deliveries: 1,
  attempts: 0,
  outcomes: [],
  decision: null,
  end: null,
  replays: 0,
};

function stateWith(one: TaskState | null, erased: readonly string[] | null = null): TrackState {
  const tasks = new Map(one === null ? [] : [[one.taskId, one]]);
  return { ...emptyTrack, tasks, erased: erased === null ? null : { taskIds: erased } };
}

const decided = (hop: number): TaskState => ({ ...task, decision: { kind: 'deferred', hop, dueAt: at } });

describe('where a message stands', () => {
  it.each<[string, TrackState, { hop: number; origin: TaskOrigin }, string]>([
    ['its task is not in the stream', emptyTrack, { hop: 0, origin: asked }, 'unknown'],
    [
      'its task is not in the stream, but its hop is not the first',
      emptyTrack,
      { hop: 3, origin: asked },
      'unknown',
    ],
    ['its task was received', stateWith(task), { hop: 0, origin: asked }, 'open'],
    ['its hop is decided', stateWith(decided(1)), { hop: 1, origin: asked }, 'hop-decided'],
    ['a later hop is decided', stateWith(decided(2)), { hop: 1, origin: asked }, 'hop-decided'],
    ['the hop before is decided', stateWith(decided(1)), { hop: 2, origin: asked }, 'open'],
    ['its task is finished', stateWith({ ...task, end: ended }), { hop: 0, origin: asked }, 'finished'],
    [
      'its task is finished, at a later hop',
      stateWith({ ...decided(0), end: ended }),
      { hop: 9, origin: asked },
      'finished',
    ],
    ['its task was erased', stateWith(null, ['task']), { hop: 0, origin: asked }, 'erased'],
    ['another task was erased', stateWith(null, ['other']), { hop: 0, origin: asked }, 'unknown'],
    ['its first hop was erased', stateWith(null, []), { hop: 1, origin: asked }, 'erased'],
    ['what it follows up was erased', stateWith(null, ['parent']), { hop: 0, origin: following }, 'erased'],
    [
      'what it follows up came after the erasure',
      stateWith({ ...task, taskId: 'parent' }, ['other']),
      { hop: 0, origin: following },
      'unknown',
    ],
  ])('%s', (_, state, message, standing) => {
    expect(standingOf(state, { taskId: 'task', ...message })).toBe(standing);
  });

  it('decides what may be recorded: but for a call, nothing where it is decided, finished or erased', () => {
    fc.assert(
      fc.property(anyStream, anyCommand, ({ state }, command) => {
        const origin =
          state.tasks.get(command.taskId)?.origin ?? ('origin' in command ? command.origin : asked);
        const standing = standingOf(state, { ...command, origin });
        if (standing === 'unknown' || standing === 'open') return;
        const type = decide(state, command)?.type ?? 'nothing';
        // An answer that came late still helps the next hop.
        const allowed =
          standing === 'hop-decided' ? ['nothing', 'ApiCalled', 'CacheHit'] : ['nothing', 'ApiCalled'];
        expect(allowed).toContain(type);
        if (standing === 'erased') expect(type).toBe('nothing');
      }),
    );
  });
});
