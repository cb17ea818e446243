import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './code.ts';

/** As much of BullMQ as is used here: it lives in a folder of its own, which a checkout need not have. */
export interface Bullmq {
  readonly Queue: new (name: string, options: { readonly connection: RedisPlace }) => BullmqQueue;
  readonly Worker: new (
    name: string,
    work: (job: { readonly id: string; readonly data: { readonly body: string } }) => Promise<void>,
    options: {
      readonly connection: RedisPlace;
      readonly concurrency: number;
      readonly removeOnComplete: { readonly count: number };
    },
  ) => { waitUntilReady(): Promise<unknown> };
}

export interface BullmqQueue {
  addBulk(
    jobs: readonly {
      readonly name: string;
      readonly data: { readonly body: string };
      readonly opts: { readonly jobId: string };
    }[],
  ): Promise<unknown>;
  getWaitingCount(): Promise<number>;
  close(): Promise<void>;
}

interface RedisPlace {
  readonly host: string;
  readonly port: number;
}

export const bullmqQueue = 'bench';

/** BullMQ of `bench/peers`, which has to be installed. */
export function loadBullmq(): Bullmq {
  return createRequire(join(root, 'bench/peers/package.json'))('bullmq') as Bullmq;
}
