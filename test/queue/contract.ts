import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeadLetter, Delivery, TaskMessage, TaskQueue } from '../../src/queue/queue.ts';
import { anyMessage, messageOf } from './messages.ts';

export interface QueueContract {
  /**
   * A queue that is empty and takes 1000 messages of each lane. A failed delivery comes again within two seconds,
   * five of them make a dead letter.
   */
  readonly open: () => Promise<TaskQueue>;
  /** How much later than asked a delayed message may come, in milliseconds. */
  readonly lateMsMax: number;
  /** False: in what order messages wait is the server's affair. Left out: by priority, then by age. */
  readonly byPriority?: boolean;
}

const bothLanes = ['real-time', 'backlog'] as const;
const everything = { lanes: bothLanes, concurrency: 100 };
const patience = { timeout: 15_000, interval: 5 };

/** What every queue has to keep. */
export function queueContract(name: string, { open, lateMsMax, byPriority = true }: QueueContract): void {
  describe(`${name} keeps the queue contract:`, () => {
    let queue: TaskQueue;
    beforeEach(async () => {
      queue = await open();
    });
    afterEach(() => queue.close());

    async function publishAll(messages: readonly TaskMessage[]): Promise<void> {
      const published = await Promise.all(messages.map((message) => queue.publish(message)));
      expect(published).toEqual(messages.map(() => 'confirmed'));
    }

    it('every confirmed message comes out, unchanged and not flagged', async () => {
      const came: Delivery[] = [];
      queue.consume(async (delivery) => void came.push(delivery), everything);
      const distinct = fc.uniqueArray(anyMessage, { selector: ({ id }) => id, maxLength: 50 });
      await fc.assert(
        fc.asyncProperty(distinct, async (messages) => {
          came.length = 0;
          await publishAll(messages);
          await vi.waitFor(() => expect(came.length).toBeGreaterThanOrEqual(messages.length), patience);
          const byId = new Map(came.map((delivery) => [delivery.message.id, delivery]));
          for (const message of messages) {
            expect(byId.get(message.id)).toEqual({ message, redelivered: false });
          }
        }),
        { numRuns: 20 },
      );
    });

    it('a message without an id comes out without one', async () => {
      const came: string[] = [];
      queue.consume(async ({ message }) => void came.push(message.id), everything);
      await publishAll([messageOf({ id: '' })]);
      await vi.waitFor(() => expect(came).toEqual(['']), patience);
    });

    it.runIf(byPriority)(
      'of what waits, the higher priority comes first, and of one priority the older',
      async () => {
        const priorities = [5, 10, 4, 7, 5, 10, 9, 4, 6, 8, 5];
        const messages = priorities.map((priority, at) => messageOf({ id: `${at}`, priority }));
        await publishAll(messages);
        const came: string[] = [];
        const consumer = queue.consume(async ({ message }) => void came.push(message.id), {
          lanes: ['real-time'],
          concurrency: 1,
        });
        await vi.waitFor(() => expect(came).toHaveLength(messages.length), patience);
        await consumer.stop();
        const inOrder = messages.toSorted((a, b) => b.priority - a.priority || Number(a.id) - Number(b.id));
        expect(came).toEqual(inOrder.map(({ id }) => id));
      },
    );

    it('a consumer gets messages of its lanes only', async () => {
      const came: TaskMessage[] = [];
      const consumer = queue.consume(async ({ message }) => void came.push(message), {
        lanes: ['backlog'],
        concurrency: 10,
      });
      await publishAll([0, 3, 4, 10].map((priority) => messageOf({ id: `${priority}`, priority })));
      await vi.waitFor(() => expect(came).toHaveLength(2), patience);
      await consumer.stop();
      expect(came.map(({ lane }) => lane)).toEqual(['backlog', 'backlog']);
      queue.consume(async ({ message }) => void came.push(message), everything);
      await vi.waitFor(() => expect(came).toHaveLength(4), patience);
    });

    it('as many are in hand as the concurrency says, never more', async () => {
      let inHand = 0;
      let most = 0;
      let done = 0;
      await publishAll(Array.from({ length: 60 }, (_, at) => messageOf({ id: `${at}` })));
      const handler = async () => {
        inHand += 1;
        most = Math.max(most, inHand);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inHand -= 1;
        done += 1;
      };
      queue.consume(handler, { lanes: bothLanes, concurrency: 7 });
      await vi.waitFor(() => expect(done).toBe(60), patience);
      expect(most).toBe(7);
    });

    it('a delayed message comes not early and not much late', async () => {
      const cameAtMs = new Map<string, number>();
      queue.consume(async ({ message }) => void cameAtMs.set(message.id, performance.now()), everything);
      const delaysMs = [0, 60, 20, 40, 20];
      const publishedAtMs = performance.now();
      for (const [at, delayMs] of delaysMs.entries()) {
        expect(await queue.publish(messageOf({ id: `${at}` }), { delayMs })).toBe('confirmed');
      }
      await vi.waitFor(() => expect(cameAtMs.size).toBe(delaysMs.length), patience);
      for (const [at, delayMs] of delaysMs.entries()) {
        const waitedMs = (cameAtMs.get(`${at}`) ?? 0) - publishedAtMs;
        expect(waitedMs).toBeGreaterThanOrEqual(delayMs);
        expect(waitedMs).toBeLessThanOrEqual(delayMs + lateMsMax);
      }
    });

    it('a message whose handler rejects comes again, unchanged and flagged, until one resolves', async () => {
      const message = messageOf({
        id: 'again',
        hop: 3,
        body: '{"title":"Tiësto \\u0000 🎧"}',
        causationId: 'x',
      });
      const came: Delivery[] = [];
      queue.consume(async (delivery) => {
        came.push(delivery);
        if (came.length < 3) throw new Error('not yet');
      }, everything);
      await publishAll([message]);
      await vi.waitFor(() => expect(came).toHaveLength(3), patience);
      expect(came.map(({ redelivered }) => redelivered)).toEqual([false, true, true]);
      expect(came.every((delivery) => isSame(delivery.message, message))).toBe(true);
      await queue.publish(messageOf({ id: 'last' }));
      await vi.waitFor(() => expect(came).toHaveLength(4), patience);
      expect(came.at(-1)?.message.id).toBe('last');
    });

    it('a handler that throws at once is one that rejects', async () => {
      let deliveries = 0;
      queue.consume(() => {
        deliveries += 1;
        if (deliveries === 1) throw new Error('at once');
        return Promise.resolve();
      }, everything);
      await publishAll([messageOf()]);
      await vi.waitFor(() => expect(deliveries).toBe(2), patience);
    });

    it('stop resolves when what is in hand is settled, and nothing is taken after it', async () => {
      const started: string[] = [];
      const gate = new AbortController();
      const consumer = queue.consume(
        async ({ message }) => {
          started.push(message.id);
          await new Promise((resolve) => gate.signal.addEventListener('abort', resolve));
        },
        { lanes: bothLanes, concurrency: 1 },
      );
      await publishAll([messageOf({ id: 'taken' }), messageOf({ id: 'left' })]);
      await vi.waitFor(() => expect(started).toEqual(['taken']), patience);
      let stopped = false;
      const stopping = consumer.stop().then(() => {
        stopped = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(stopped).toBe(false);
      gate.abort();
      await stopping;
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(started).toEqual(['taken']);

      const came: string[] = [];
      queue.consume(async ({ message }) => void came.push(message.id), everything);
      await vi.waitFor(() => expect(came).toEqual(['left']), patience);
      await expect(consumer.stop()).resolves.toBeUndefined();
    });

    it('a consumer without work stops at once', async () => {
      const consumer = queue.consume(async () => undefined, everything);
      await expect(consumer.stop()).resolves.toBeUndefined();
    });

    it('what fails in every delivery becomes a dead letter, which comes until its handler resolves', async () => {
      const message = messageOf({ id: 'hopeless', hop: 2, body: '{"a":1}', causationId: 'fact' });
      const flags: boolean[] = [];
      queue.consume(async ({ redelivered }) => {
        flags.push(redelivered);
        throw new Error('never');
      }, everything);
      await publishAll([message]);
      const letters: DeadLetter[] = [];
      await vi.waitFor(() => expect(flags).toHaveLength(5), patience);
      const consumer = queue.consumeDeadLetters(async (letter) => {
        letters.push(letter);
        if (letters.length === 1) throw new Error('not yet');
      });
      await vi.waitFor(() => expect(letters).toHaveLength(2), patience);
      expect(letters).toEqual([1, 2].map(() => ({ message, reason: 'delivery_limit' })));
      await consumer.stop();
      expect(flags).toEqual([false, true, true, true, true]);
    });
  });
}

function isSame(came: TaskMessage, sent: TaskMessage): boolean {
  expect(came).toEqual(sent);
  return true;
}
