import { describe, expect, it } from 'vitest';
import type { LeftOut } from '../../src/domain/events.ts';
import { emptyTrack, type TaskState, type TrackState } from '../../src/domain/state.ts';
import { parseMessage } from '../../src/queue/message.ts';
import type { PublishOptions, TaskMessage, TaskQueue } from '../../src/queue/queue.ts';
import { followUpTaskId } from '../../src/queue/task-id.ts';
import { publishConsequences } from '../../src/workers/publish-consequences.ts';
import { publishSurely } from '../../src/workers/publish-surely.ts';
import { plainRequest } from '../support/generators.ts';

const nowMs = Date.parse('2026-01-01T00:00:00.000Z');
const came = { lane: 'real-time', priority: 8 } as const;
const leftOut: readonly LeftOut[] = [
  { provider: 'musicbrainz', cause: 'waiting', until: '2026-01-01T00:00:30.000Z' },
  { provider: 'lastfm', cause: 'fault', until: '2025-12-31T00:00:00.000Z' },
];
const open: TaskState = {
  taskId: 'task',
  origin: { kind: 'request' },
  request: { ...plainRequest, priority: 8 },
  correlationId: 'correlation',
  receivedEventId: 'received',
  newestReceivedEventId: 'received',
  receivedAt: '2026-01-01T00:00:00.000Z',
  hop: 0,
  deliveries: 1,
  attempts: 1,
  outcomes: [],
  decision: null,
  end: null,
  replays: 0,
};
const enriched: TaskState = { ...open, end: { kind: 'enriched', eventId: 'end', leftOut } };
const failed: TaskState = {
  ...open,
  decision: { kind: 'failed', hop: 4, dueAt: '2026-01-01T00:00:05.000Z' },
};

/** A queue that takes what the test lets it, and keeps what it took. */
function publishing(refuse: (offer: number) => boolean = () => false) {
  const published: { readonly message: TaskMessage; readonly delayMs: number }[] = [];
  const told: string[] = [];
  const sleeps: number[] = [];
  let offers = 0;
  const queue: Pick<TaskQueue, 'publish'> = {
    async publish(message, { delayMs = 0 }: PublishOptions = {}) {
      offers += 1;
      if (refuse(offers)) return 'refused';
      published.push({ message, delayMs });
      return 'confirmed';
    },
  };
  const services = {
    queue: queue as TaskQueue,
    now: () => nowMs,
    sleep: async (ms: number) => {
      sleeps.push(ms);
    },
    onFollowUp: (provider: string, said: string) => told.push(`${provider} ${said}`),
  };
  const publish = (task: TaskState, state: TrackState = emptyTrack) =>
    publishConsequences('track-1', state, task, came, services);
  return { publish, published, told, sleeps, services, offers: () => offers };
}

describe('what follows from a decision', () => {
  it('is a follow-up of the lowest priority for each provider left out, due when that can be asked', async () => {
    const { publish, published, told } = publishing();
    await publish(enriched);
    expect(published.map(({ delayMs }) => delayMs)).toEqual([30_000, 0]);
    for (const [index, { message }] of published.entries()) {
      const provider = index === 0 ? 'musicbrainz' : 'lastfm';
      expect(message).toMatchObject({
        id: followUpTaskId('track-1', 'task', provider),
        lane: 'backlog',
        priority: 0,
        hop: 0,
        causationId: 'end',
      });
      expect(parseMessage(message)).toEqual({
        kind: 'task',
        request: { ...enriched.request, priority: 0 },
        origin: { kind: 'follow-up', ofTaskId: 'task', provider },
        correlationId: 'correlation',
      });
    }
    expect(told).toEqual(['musicbrainz confirmed', 'lastfm confirmed']);
  });

  it('is the same messages however often it is repeated', async () => {
    const { publish, published } = publishing();
    for (let n = 0; n < 3; n++) await publish(enriched);
    const ids = published.map(({ message }) => message.id);
    expect(new Set(ids).size).toBe(2);
    expect(published.slice(2, 4)).toEqual(published.slice(0, 2));
  });

  it('leaves out a follow-up that is finished, and no other', async () => {
    const { publish, published } = publishing();
    const id = followUpTaskId('track-1', 'task', 'musicbrainz');
    const unfinished = followUpTaskId('track-1', 'task', 'lastfm');
    const tasks = new Map([
      [id, { ...enriched, taskId: id }],
      [unfinished, { ...open, taskId: unfinished }],
    ]);
    await publish(enriched, { ...emptyTrack, tasks });
    expect(published.map(({ message }) => message.id)).toEqual([unfinished]);
  });

  it('leaves a follow-up that is refused in the ledger, says so, and goes on with the next', async () => {
    const { publish, published, told } = publishing((offer) => offer === 1);
    await publish(enriched);
    expect(told).toEqual(['musicbrainz refused', 'lastfm confirmed']);
    expect(published).toHaveLength(1);
  });

  it('is the next hop, by the way it came, due when the decision says', async () => {
    const { publish, published } = publishing();
    await publish(failed);
    expect(published).toEqual([
      {
        delayMs: 5000,
        message: {
          id: 'task',
          lane: 'real-time',
          priority: 8,
          hop: 5,
          body: expect.any(String),
          causationId: 'received',
        },
      },
    ]);
    expect(parseMessage(published[0]?.message ?? { body: '' })).toMatchObject({
      request: failed.request,
      origin: { kind: 'request' },
      correlationId: 'correlation',
    });
  });

  it('is nothing for a final failure, and for a hop that is still open', async () => {
    const { publish, published } = publishing();
    await publish({ ...failed, end: { kind: 'failed', eventId: 'end', leftOut } });
    await publish(open);
    expect(published).toEqual([]);
  });
});

describe('a message that may not be left away', () => {
  it('is offered again, a second apart, until the queue takes it', async () => {
    const { publish, published, sleeps } = publishing((offer) => offer < 10);
    await publish(failed);
    expect(published).toHaveLength(1);
    expect(sleeps).toEqual(Array.from({ length: 9 }, () => 1000));
  });

  it('has the one in hand come again where the queue refuses it thirty times', async () => {
    const { publish, services, offers } = publishing(() => true);
    await expect(publish(failed)).rejects.toThrow('The queue refused hop 5 of task task 30 times.');
    expect(offers()).toBe(30);
    const message = { ...came, id: 'x', hop: 0, body: '{}', causationId: null };
    await expect(publishSurely(message, 0, services)).rejects.toThrow('hop 0 of task x');
  });
});
