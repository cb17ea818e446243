import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from '../ledger/ledger.ts';
import type { RabbitmqQueue } from '../queue/rabbitmq.ts';
import { deadLetterInbox, deadLetterQueue } from '../queue/topology.ts';
import { ledgerReasons } from './ledger-reasons.ts';

/** Shorter than a health check or a scrape may take. */
const depthMsMax = 1500;

/** Why a worker cannot work at this moment, for `/readyz`: what it needs is asked side by side. */
export async function workerReasons(options: {
  readonly queue: RabbitmqQueue;
  readonly ledger: Ledger;
  /** Why tasks are held, where they are. */
  readonly held: string | null;
  /** Why nobody may call a provider. */
  readonly gateFault: () => Promise<string | null>;
}): Promise<readonly string[]> {
  const { queue, ledger, held, gateFault } = options;
  const faults = queue.faults();
  const reasons = await Promise.all([
    faults.length > 0 ? faults : depthsOf(queue).then(() => [], sentenceOf),
    held === null ? ledgerReasons(ledger) : [held],
    gateFault().then((why) => (why === null ? [] : [`No provider may be called: ${why}`])),
  ]);
  return reasons.flat();
}

/** How deep the dead-letter queues are. @throws Error where the broker does not tell in time */
export async function depthsOf(queue: RabbitmqQueue): Promise<ReadonlyMap<string, number>> {
  const asked = Promise.all(
    [deadLetterQueue, deadLetterInbox].map(async (name) => [name, await queue.depth(name)] as const),
  );
  asked.catch(() => undefined);
  const late = sleep(depthMsMax, null, { ref: false });
  const depths = await Promise.race([asked, late]);
  if (depths === null) throw new Error(`RabbitMQ does not answer within ${depthMsMax / 1000} s.`);
  return new Map(depths);
}

function sentenceOf(error: unknown): readonly string[] {
  return [error instanceof Error ? error.message : String(error)];
}
