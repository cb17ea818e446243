import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { startHealthServer } from '../../src/http/health.ts';
import { startModule } from '../support/cli.ts';

const metrics = { text: async () => '', contentType: 'text/plain' };
const probe = (port: number) => startModule('src/http/probe.ts', [`http://127.0.0.1:${port}`]).ended;

it('a process that lives is healthy, and its probe tells whether it is ready and why not', async () => {
  let reasons: readonly string[] = [];
  const server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    reasons: async () => reasons,
    metrics,
  });
  try {
    expect(await probe(server.port)).toMatchObject({
      code: 0,
      stdout: 'alive; readiness: {"ready":true,"reasons":[]}\n',
    });
    reasons = ['Tasks are held: the ledger is away.'];
    const held = await probe(server.port);
    expect(held.code).toBe(0);
    expect(held.stdout).toContain('"ready":false,"reasons":["Tasks are held: the ledger is away."]');
  } finally {
    await server.close();
  }
});

it('a process that has ended, or is stuck, is not healthy', async () => {
  const stuck = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((listening) => stuck.listen(0, '127.0.0.1', listening));
  const { port } = stuck.address() as { port: number };
  expect(await probe(port)).toMatchObject({
    code: 1,
    stdout: `http://127.0.0.1:${port}/healthz does not answer with 200: no answer within 5 s\n`,
  });
  await new Promise((closed) => stuck.close(closed));
  const gone = await probe(port);
  expect(gone.code).toBe(1);
  expect(gone.stdout).toContain('ECONNREFUSED');
});
