import { readFileSync } from 'node:fs';
import { EventStoreDBClient } from '@eventstore/db-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPlayer, ranked, type Step } from './player.ts';
import { describeOnEveryServer, type EventStoreServer } from './servers.ts';

interface Scenario {
  readonly name: string;
  readonly why: string;
  readonly steps: readonly Step[];
}

const recorded = new URL('../../fixtures/eventstoredb-recorded.json', import.meta.url);
const { scenarios } = JSON.parse(readFileSync(recorded, 'utf8')) as {
  readonly scenarios: readonly Scenario[];
};

it('the recording is whole', () => {
  expect(scenarios).toHaveLength(18);
  expect(scenarios.flatMap(({ steps }) => steps)).toHaveLength(146);
});

describeOnEveryServer('answers are as the recorded ones:', (start) => {
  let server: EventStoreServer;
  let client: EventStoreDBClient;
  beforeAll(async () => {
    server = await start();
    client = EventStoreDBClient.connectionString(server.url);
  });
  afterAll(async () => {
    await client.dispose();
    await server.stop();
  });

  it.each(scenarios)('$name: $why', { timeout: 60_000 }, async ({ name, steps }) => {
    const player = createPlayer(client, `${name}-${Date.now()}-`);
    const results: unknown[] = [];
    for (const step of steps) results.push(await player.play(step));
    for (const [at, result] of ranked(results, player.seen).entries()) {
      const step = steps[at];
      if (step?.varies === true) continue;
      expect({ at, op: step?.op, result }).toEqual({ at, op: step?.op, result: step?.result });
    }
  });
});
