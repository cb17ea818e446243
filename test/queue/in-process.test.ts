import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createInProcessQueue } from '../../src/queue/in-process.ts';
import type { DeadLetter, TaskMessage } from '../../src/queue/queue.ts';
import { queueContract } from './contract.ts';
import { messageOf } from './messages.ts';

const roomy = { ready: 1000, waiting: 1000 };

queueContract('the in-process queue', {
  open: async () => createInProcessQueue({ capacity: roomy, redeliveryDelayMs: 10 }),
  lateMsMax: 250,
});

describe('the in-process queue, when it is full,', () => {
  const small = () => createInProcessQueue({ capacity: { ready: 3, waiting: 2 } });

  it('refuses a publisher beyond its ready seats, lane by lane, and takes again what room there is', async () => {
    const queue = small();
    const offer = (priority: number, count: number) =>
      Promise.all(Array.from({ length: count }, () => queue.publish(messageOf({ priority }))));
    expect(await offer(5, 4)).toEqual(['confirmed', 'confirmed', 'confirmed', 'refused']);
    expect(await offer(0, 4)).toEqual(['confirmed', 'confirmed', 'confirmed', 'refused']);
    const consumer = queue.consume(async () => undefined, { lanes: ['real-time'], concurrency: 1 });
    await vi.waitFor(() => expect(queue.depth().ready).toBe(3));
    await consumer.stop();
    expect(await offer(5, 4)).toEqual(['confirmed', 'confirmed', 'confirmed', 'refused']);
    await queue.close();
  });

  it('refuses follow-ups first: they never take the seats of what a publisher offers', async () => {
    const queue = small();
    const followUp = messageOf({ priority: 0, causationId: 'enriched' });
    const delaysMs = [0, 60_000, 0, 60_000];
    const published = await Promise.all(delaysMs.map((delayMs) => queue.publish(followUp, { delayMs })));
    expect(published).toEqual(['confirmed', 'confirmed', 'refused', 'refused']);
    const own = messageOf({ priority: 0 });
    expect(await queue.publish(own)).toBe('confirmed');
    await queue.close();
  });

  it('takes every next hop: it replaces the message that is in hand', async () => {
    const queue = createInProcessQueue({ capacity: { ready: 0, waiting: 0 } });
    expect(await queue.publish(messageOf({ hop: 0 }))).toBe('refused');
    expect(await queue.publish(messageOf({ hop: 1, causationId: 'received' }), { delayMs: 1000 })).toBe(
      'confirmed',
    );
    expect(queue.depth()).toEqual({ ready: 0, waiting: 1, inFlight: 0, deadLetters: 0 });
    await queue.close();
  });
});

describe('the in-process queue, when it is closed,', () => {
  it('takes nothing more, lets what is in hand finish, and leaves no timer behind', async () => {
    const queue = createInProcessQueue({ capacity: roomy });
    const before = timers();
    for (let at = 0; at < 10; at++) await queue.publish(messageOf(), { delayMs: 3_600_000 + at });
    await queue.publish(messageOf());
    expect(timers()).toBeLessThanOrEqual(before + 1);
    let started = false;
    let finished = false;
    queue.consume(
      async () => {
        started = true;
        await new Promise((resolve) => setTimeout(resolve, 20));
        finished = true;
        throw new Error('too late');
      },
      { lanes: ['real-time'], concurrency: 1 },
    );
    await vi.waitFor(() => expect(started).toBe(true));
    await queue.close();
    expect(finished).toBe(true);
    expect(await queue.publish(messageOf())).toBe('refused');
    expect(queue.depth()).toEqual({ ready: 0, waiting: 0, inFlight: 0, deadLetters: 0 });
    expect(timers()).toBeLessThanOrEqual(before);
  });

  function timers(): number {
    return process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
  }
});

it('the in-process queue keeps a bounded number of dead letters, the newest', async () => {
  const queue = createInProcessQueue({ capacity: roomy, deliveryLimit: 1, deadLettersMax: 2 });
  const failing = async () => Promise.reject(new Error('never'));
  queue.consume(failing, { lanes: ['real-time'], concurrency: 1 });
  for (const id of ['1', '2', '3']) await queue.publish(messageOf({ id }));
  await vi.waitFor(() =>
    expect(queue.depth()).toEqual({ ready: 0, waiting: 0, inFlight: 0, deadLetters: 2 }),
  );
  const letters: string[] = [];
  queue.consumeDeadLetters(async ({ message }) => void letters.push(message.id));
  await vi.waitFor(() => expect(letters).toEqual(['2', '3']));
  await queue.close();
});

describe('any sequence of publications, failures and delays', () => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
    });
  });
  afterEach(() => vi.useRealTimers());

  const step = fc.record({
    afterMs: fc.nat(50),
    delayMs: fc.oneof(fc.constant(0), fc.nat(100)),
    priority: fc.integer({ min: 0, max: 10 }),
    /** Its handler rejects this often. */
    failures: fc.nat(4),
    worksMs: fc.nat(30),
  });

  it('loses nothing, delivers nothing early or too often, and takes by priority what is ready', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, concurrency) => {
          const deliveryLimit = 3;
          const queue = createInProcessQueue({ capacity: roomy, deliveryLimit, redeliveryDelayMs: 7 });
          const dueAtMs = new Map<string, number>();
          const deliveries = new Map<string, number>();
          const done: string[] = [];
          const letters: DeadLetter[] = [];
          const waiting = new Map<string, TaskMessage>();
          let inHand = 0;
          queue.consume(
            async ({ message, redelivered }) => {
              const { failures = 0, worksMs = 0 } = steps[Number(message.id)] ?? {};
              inHand += 1;
              expect(inHand).toBeLessThanOrEqual(concurrency);
              const count = (deliveries.get(message.id) ?? 0) + 1;
              deliveries.set(message.id, count);
              expect(redelivered).toBe(count > 1);
              const nowMs = performance.now();
              expect(nowMs).toBeGreaterThanOrEqual(dueAtMs.get(message.id) ?? 0);
              waiting.delete(message.id);
              for (const [id, other] of waiting) {
                // What became due in this very moment may not have been ready when the round began.
                if ((dueAtMs.get(id) ?? 0) < nowMs)
                  expect(other.priority).toBeLessThanOrEqual(message.priority);
              }
              await new Promise((resolve) => setTimeout(resolve, worksMs));
              inHand -= 1;
              if (count <= failures) {
                if (count < deliveryLimit) {
                  dueAtMs.set(message.id, performance.now() + 7);
                  waiting.set(message.id, message);
                }
                throw new Error('as told');
              }
              done.push(message.id);
            },
            { lanes: ['real-time', 'backlog'], concurrency },
          );
          queue.consumeDeadLetters(async (letter) => void letters.push(letter));
          for (const [at, { afterMs, delayMs, priority }] of steps.entries()) {
            await vi.advanceTimersByTimeAsync(afterMs);
            const message = messageOf({ id: `${at}`, priority });
            dueAtMs.set(message.id, performance.now() + delayMs);
            waiting.set(message.id, message);
            expect(await queue.publish(message, { delayMs })).toBe('confirmed');
          }
          await vi.advanceTimersByTimeAsync(10_000);

          const ids = (which: (failures: number) => boolean) =>
            steps.flatMap(({ failures }, at) => (which(failures) ? [`${at}`] : []));
          expect(done.toSorted()).toEqual(ids((failures) => failures < deliveryLimit).toSorted());
          expect(letters.map(({ message }) => message.id).toSorted()).toEqual(
            ids((failures) => failures >= deliveryLimit).toSorted(),
          );
          for (const [at, { failures }] of steps.entries()) {
            expect(deliveries.get(`${at}`)).toBe(Math.min(failures + 1, deliveryLimit));
          }
          expect(queue.depth()).toEqual({ ready: 0, waiting: 0, inFlight: 0, deadLetters: 0 });
          await queue.close();
        },
      ),
      { numRuns: 50 },
    );
  });

  it('waits longer than a timer can, without waking early', async () => {
    const queue = createInProcessQueue({ capacity: roomy });
    const came: string[] = [];
    queue.consume(async ({ message }) => void came.push(message.id), {
      lanes: ['real-time'],
      concurrency: 1,
    });
    const delayMs = 2 ** 31 + 1000;
    await queue.publish(messageOf(), { delayMs });
    await vi.advanceTimersByTimeAsync(delayMs - 1);
    expect(came).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(came).toEqual(['1']);
    await queue.close();
  });
});

it('the in-process queue passes on more than 10,000 messages a second', async () => {
  const queue = createInProcessQueue({ capacity: { ready: 10_000, waiting: 10_000 } });
  const count = 10_000;
  let done = 0;
  const began = performance.now();
  for (let at = 0; at < count; at++) await queue.publish(messageOf({ id: `${at}`, priority: 4 + (at % 7) }));
  const handler = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    done += 1;
  };
  queue.consume(handler, { lanes: ['real-time'], concurrency: 64 });
  await vi.waitFor(() => expect(done).toBe(count));
  expect(performance.now() - began).toBeLessThan(1000);
  await queue.close();
});
