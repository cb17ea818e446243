import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startEmbeddedWorkers } from '../../src/app-workers.ts';
import { readConfig } from '../../src/config.ts';
import { providers } from '../../src/domain/provider.ts';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import type { SimulatorOptions } from '../../src/providers/simulator/simulator.ts';
import { plainTracks } from '../providers/simulator/running.ts';
import { useLedger } from './ledgers.ts';
import { type SimulatorProcess, startSimulatorProcess } from './simulator-process.ts';
import { messageOf, requestOf, until } from './world.ts';

const ledgerOf = useLedger();
/** The real rate of two of them: what is too early stands out from what a busy machine does. */
const ratePerSecond = 5;
const tracks = plainTracks(500);

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** The workers as the product wires them, against a simulator that enforces the rates they were told. */
async function running(
  change: Partial<SimulatorOptions> = {},
  environment: Readonly<Record<string, string>> = {},
) {
  const simulator = await startSimulatorProcess(ratePerSecond, change);
  open.push(simulator);
  const rates = providers.map((one) => [`${one.toUpperCase()}_RATE_PER_SECOND`, String(ratePerSecond)]);
  const settled = new Set<string>();
  const workers = startEmbeddedWorkers({
    config: readConfig({ ...simulator.environment, ...Object.fromEntries(rates), ...environment }, {}),
    ledger: ledgerOf(),
    concurrency: 64,
    assumeNew: true,
    observer: {
      taskStarted: () => undefined,
      appended: () => undefined,
      followUpPublished: () => undefined,
      settled: (taskId) => settled.add(taskId),
    },
    onRefused: () => undefined,
    onFatal: () => undefined,
  });
  open.push({ close: () => workers.stop() });
  return {
    simulator,
    settled: () => settled.size,
    async publish(from: number, count: number, priority: number) {
      for (const { artist, title } of tracks.slice(from, from + count)) {
        await workers.queue.publish(messageOf(requestOf({ artist, title, priority })));
      }
    },
  };
}

async function expectKept(simulator: SimulatorProcess, callsMin: number): Promise<void> {
  const { report, calls } = await simulator.seen();
  for (const provider of providers) {
    expect(calls.filter((call) => call.provider === provider && call.tooEarly)).toEqual([]);
    expect(report[provider].violations, provider).toBe(0);
    expect(report[provider].calls, provider).toBeGreaterThanOrEqual(callsMin);
  }
}

describe('the limits of the providers are kept', () => {
  it('in a burst of more than they take at once', async () => {
    const run = await running();
    await run.publish(0, 20, 5);
    await until(() => run.settled() >= 20, 15_000);
    await expectKept(run.simulator, 15);
  });

  it('by both lanes together, while providers ask to be left alone for a while', async () => {
    const run = await running({ faults: { ...noFaults, throttleShare: 0.05, errorShare: 0.05 } });
    await run.publish(0, 25, 5);
    await run.publish(25, 25, 0);
    await sleep(4000);
    await expectKept(run.simulator, 5);
  });

  it('where tokens take longer than a slot is apart, and run out while tasks wait for theirs', async () => {
    const tokens = await startTokenServer({ latencyMs: 350, lifetimeSeconds: 1 });
    const run = await running({}, { SPOTIFY_TOKEN_URL: tokens.url });
    await run.publish(0, 25, 5);
    await until(() => run.settled() >= 25 && tokens.given() >= 3, 15_000);
    expect(tokens.given()).toBeGreaterThanOrEqual(3);
    await expectKept(run.simulator, 5);
  });
});

async function startTokenServer(options: { readonly latencyMs: number; readonly lifetimeSeconds: number }) {
  let given = 0;
  const server = createServer((request, response) => {
    request.resume();
    given += 1;
    const token = {
      access_token: 'simulated-token',
      token_type: 'Bearer',
      expires_in: options.lifetimeSeconds,
    };
    setTimeout(() => response.end(JSON.stringify(token)), options.latencyMs);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  open.push({
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, given: () => given };
}
