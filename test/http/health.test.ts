import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type HealthServer, startHealthServer } from '../../src/http/health.ts';

let server: HealthServer | null = null;
afterEach(() => server?.close());

const start = async (reasons: () => Promise<readonly string[]>) => {
  const metrics = { text: async () => 'a 1\n', contentType: 'text/plain; version=0.0.4' };
  server = await startHealthServer({ host: '127.0.0.1', port: 0, reasons, metrics });
  return async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${server?.port}${path}`, init);
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
  };
};

it('tells that it lives, whether it is ready and why not, and what it counted', async () => {
  let reasons: readonly string[] = [];
  const get = await start(async () => reasons);
  expect(await get('/healthz?x')).toMatchObject({ status: 200, text: 'ok\n' });
  expect(await get('/readyz')).toMatchObject({ status: 200, text: '{"ready":true,"reasons":[]}\n' });
  reasons = ['The ledger is away.'];
  expect(await get('/readyz')).toMatchObject({
    status: 503,
    text: '{"ready":false,"reasons":["The ledger is away."]}\n',
  });
  expect(await get('/metrics')).toEqual({ status: 200, type: 'text/plain; version=0.0.4', text: 'a 1\n' });
  expect(await get('/')).toMatchObject({ status: 404 });
  expect(await get('/healthz', { method: 'POST' })).toMatchObject({ status: 405 });
});

it('a check that fails or hangs is a reason, within two seconds', async () => {
  const failing = await start(async () => {
    throw new Error('RabbitMQ is away.');
  });
  expect(await failing('/readyz')).toMatchObject({
    status: 503,
    text: expect.stringContaining('RabbitMQ is away.'),
  });
  await server?.close();
  const hanging = await start(() => sleep(60_000, [], { ref: false }));
  expect(await hanging('/readyz')).toMatchObject({
    status: 503,
    text: expect.stringContaining('within 2 s'),
  });
});

it('a port in use is one sentence that names the variable', async () => {
  await start(async () => []);
  const again = startHealthServer({
    host: '127.0.0.1',
    port: server?.port ?? 0,
    reasons: async () => [],
    metrics: { text: async () => '', contentType: '' },
  });
  await expect(again).rejects.toThrow(/^The port \d+ of HEALTH_PORT cannot be used: choose another\.$/);
});
