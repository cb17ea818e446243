import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import type { Told } from './setup.ts';

/** Installing it may be part of it. */
const readyMsMax = 400_000;

/** The server of this name that all tests of this run share, once it is ready. */
export async function sharedService<Server>(name: 'rabbitmq' | 'redis'): Promise<Server> {
  const file = join(inject('servicesFolder'), `${name}.json`);
  const deadlineMs = performance.now() + readyMsMax;
  while (!existsSync(file)) {
    if (performance.now() > deadlineMs) throw new Error(`The ${name} of the tests was not ready in time.`);
    await sleep(20);
  }
  const told = JSON.parse(readFileSync(file, 'utf8')) as Told<Server>;
  if ('error' in told) throw new Error(`The ${name} of the tests did not start: ${told.error}`);
  return told.server;
}
