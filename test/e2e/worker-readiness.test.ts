import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Started } from '../support/cli.ts';
import { type DistributedWorld, openDistributedWorld, stopWorker } from '../support/distributed.ts';
import { startStandIn } from '../support/eventstoredb/server.ts';
import { redisProgram, startPrivateRedis } from '../support/services/redis.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';

const isMissing = inject('rabbitmqMissing') !== null || redisProgram() === null;
const password = 'right-password';
const ready = '200 {"ready":true,"reasons":[]}';
const patience = { timeout: 20_000, interval: 200 };

describeWithRabbitmq('a worker tells whether it can work:', () => {
  let world: DistributedWorld;
  beforeAll(async () => {
    world = await openDistributedWorld();
  });
  afterAll(() => world.close());

  async function readyzOf(worker: Started): Promise<() => Promise<string>> {
    const port = await world.healthPort(worker);
    return async () => {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      return `${response.status} ${(await response.text()).trim()}`;
    };
  }

  const linesOf = (worker: Started, text: string) =>
    worker
      .output()
      .split('\n')
      .filter((line) => line.includes(text));

  it.skipIf(isMissing)(
    'not while Redis is away, of which its log has one line when it goes and one when it is back',
    async () => {
      const redis = await startPrivateRedis();
      const { hostname, port } = new URL(redis.url);
      const worker = await world.worker([], { REDIS_HOST: hostname, REDIS_PORT: port });
      const readyz = await readyzOf(worker);
      await expect.poll(readyz, patience).toBe(ready);
      for (let round = 1; round <= 2; round++) {
        await redis.kill();
        await expect
          .poll(readyz, patience)
          .toMatch(/^503 .*No provider may be called: Redis at .*ECONNREFUSED.* check REDIS_HOST/);
        await expect.poll(() => linesOf(worker, 'Without the cache'), patience).toHaveLength(round);
        await expect.poll(() => linesOf(worker, 'No provider may be called'), patience).toHaveLength(round);
        await redis.start();
        await expect.poll(readyz, patience).toBe(ready);
        await expect.poll(() => linesOf(worker, 'The gates are back'), patience).toHaveLength(round);
        await expect.poll(() => linesOf(worker, 'The cache is back'), patience).toHaveLength(round);
      }
      await stopWorker(worker);
      await redis.stop();
    },
    90_000,
  );

  it.skipIf(isMissing)(
    'not with a wrong password for Redis, which it tells without the password',
    async () => {
      const redis = await startPrivateRedis(password);
      const { hostname, port } = new URL(redis.url);
      const shared = { REDIS_HOST: hostname, REDIS_PORT: port };
      const wrong = await world.worker([], { ...shared, REDIS_PASSWORD: 'wrong-password' });
      const readyz = await readyzOf(wrong);
      await expect.poll(readyz, patience).toMatch(/^503 .*No provider may be called: .*(WRONGPASS|NOAUTH)/);
      await expect.poll(() => linesOf(wrong, 'No provider may be called'), patience).toHaveLength(1);
      const right = await world.worker([], { ...shared, REDIS_PASSWORD: password });
      await expect.poll(await readyzOf(right), patience).toBe(ready);
      for (const { stdout, stderr } of [await stopWorker(wrong), await stopWorker(right)])
        expect(stdout + stderr).not.toMatch(/(wrong|right)-password/);
      await redis.stop();
    },
    90_000,
  );

  it('not with a frozen EventStoreDB, nor does it wait for that one when it is stopped', async () => {
    const ledger = await startStandIn();
    const worker = await world.worker([], { LEDGER_URL: ledger.url });
    const readyz = await readyzOf(worker);
    await expect.poll(readyz, patience).toBe(ready);
    ledger.freeze();
    const startedMs = performance.now();
    expect(await readyz()).toBe('503 {"ready":false,"reasons":["The ledger does not answer within 1.5 s."]}');
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    ledger.thaw();
    await expect.poll(readyz, patience).toBe(ready);
    ledger.freeze();
    await readyz();
    const { code, signal, stderr } = await stopWorker(worker);
    expect({ code, signal }, stderr).toEqual({ code: 0, signal: null });
    await ledger.stop();
  }, 60_000);
});
