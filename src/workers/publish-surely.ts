import type { TaskMessage, TaskQueue } from '../queue/queue.ts';

/** How often a message that the queue refuses is offered again before the one in hand comes again instead. */
const offersMax = 30;
const offerAgainAfterMs = 1000;

/**
 * Publishes a message that stands for the one in hand and so may not be left away: what the queue refuses is
 * offered again for a while.
 *
 * @throws Error when the queue refuses it for too long; the message in hand then has to come again
 */
export async function publishSurely(
  message: TaskMessage,
  delayMs: number,
  services: { readonly queue: TaskQueue; readonly sleep: (ms: number) => Promise<void> },
): Promise<void> {
  for (let offers = 1; (await services.queue.publish(message, { delayMs })) === 'refused'; offers++) {
    if (offers >= offersMax) {
      throw new Error(`The queue refused hop ${message.hop} of task ${message.id} ${offersMax} times.`);
    }
    await services.sleep(offerAgainAfterMs);
  }
}
