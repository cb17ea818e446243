import { ANY, EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startModule } from '../cli.ts';
import { type StandIn, startStandIn } from './server.ts';

const main = 'test/support/eventstoredb/main.ts';

describe('the stand-in', () => {
  let server: StandIn;
  let client: EventStoreDBClient;
  beforeEach(async () => {
    server = await startStandIn();
    client = EventStoreDBClient.connectionString(server.url);
  });
  afterEach(async () => {
    await client.dispose();
    await server.stop();
  });
  const event = (n = 0) => jsonEvent({ type: 'T', data: { n } });

  it('keeps its data over a restart, and forgets which ids it saw, as a real server does', async () => {
    const one = event();
    await client.appendToStream('s', [one], { expectedRevision: NO_STREAM });
    await server.kill();
    await expect(client.appendToStream('s', [event()])).rejects.toThrow();
    await server.start();
    const again = await client.appendToStream('s', [one], { expectedRevision: NO_STREAM });
    expect(again.nextExpectedRevision).toBe(0n);
    expect((await client.appendToStream('s', [one], { expectedRevision: ANY })).nextExpectedRevision).toBe(
      1n,
    );
  });

  it('throws out a live subscriber that does not take its events', async () => {
    const subscription = client.subscribeToAll();
    const ended = new Promise<unknown>((resolve) => {
      subscription.on('error', (error) => resolve(error));
    });
    await new Promise((resolve) =>
      subscription
        .on('caughtUp', resolve)
        .on('confirmation', () => undefined)
        .resume(),
    );
    subscription.pause();
    for (let n = 0; n < 20; n++) {
      await client.appendToStream(
        `s-${n}`,
        Array.from({ length: 500 }, (_, at) => event(at)),
      );
    }
    subscription.resume();
    expect(await ended).toMatchObject({ type: 'timeout', code: 10 });
  });

  it('lets nothing through while it is frozen', async () => {
    server.freeze();
    const appended = client.appendToStream('s', [event()]);
    const early = await Promise.race([
      appended,
      new Promise((resolve) => setTimeout(resolve, 200, 'nothing')),
    ]);
    expect(early).toBe('nothing');
    server.thaw();
    expect((await appended).success).toBe(true);
  });
});

describe('the stand-in as a command', () => {
  it('says where it is, and that it is for tests only, and runs until it is stopped', async () => {
    const started = startModule(main, ['--port', '0']);
    await started.said('LEDGER_URL=esdb://127.0.0.1:');
    started.child.kill('SIGTERM');
    const { code, stdout } = await started.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('for tests only');
  });

  it('refuses what is no port', async () => {
    const { code, stderr } = await startModule(main, ['--port', 'x']).ended;
    expect([code, stderr]).toEqual([
      2,
      '--port x is no port: give a number from 0 (any free one) to 65535.\n',
    ]);
  });
});
