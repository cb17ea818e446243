import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import { startSimulator } from '../../src/providers/simulator/simulator.ts';
import type { RabbitmqAddress } from '../../src/queue/rabbitmq-connection.ts';
import { initTopology } from '../../src/queue/rabbitmq-init.ts';
import { startPrivateRabbitmq } from '../../test/support/services/rabbitmq.ts';
import { startPrivateRedis } from '../../test/support/services/redis.ts';
import { trackOf } from './tracks.ts';

/** Everything that a worker works with, on this machine. */
export interface Servers {
  readonly address: RabbitmqAddress;
  readonly redisUrl: string;
  readonly ledgerUrl: string;
  /** For the report: what keeps the ledger. */
  readonly ledgerName: string;
  /** Where each server listens. */
  readonly ports: Readonly<Record<'redis' | 'rabbitmq' | 'ledger', number>>;
  /** Of a folder that goes when the servers stop. */
  readonly folder: string;
  /** What a worker has to know of them. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const unlimited = Number.POSITIVE_INFINITY;

/**
 * A RabbitMQ and a Redis of their own, from the programs on this machine; the EventStoreDB of TEST_EVENTSTORE_URL, or
 * an embedded PostgreSQL; and the simulator of the providers with lifted rates.
 *
 * @param tracks how many the providers know
 */
export async function startServers(tracks: number): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-workers-'));
  const broker = await startPrivateRabbitmq();
  const redis = await startPrivateRedis();
  const eventStoreUrl = process.env.TEST_EVENTSTORE_URL ?? '';
  const postgres =
    eventStoreUrl === '' ? await openEmbeddedPostgres({ dataDir: join(folder, 'data') }) : null;
  const simulator = await startSimulator({
    tracks: Array.from({ length: tracks }, (_, n) => ({
      ...trackOf(n),
      album: `Album ${n % 313}`,
      year: 1990,
      isrc: null,
      spotifyId: null,
      mbid: null,
    })),
    port: 0,
    seed: 1,
    unknownShare: 0,
    decoyShare: 0,
    latencyMs: 20,
    faults: noFaults,
    ratesPerSecond: { spotify: unlimited, musicbrainz: unlimited, lastfm: unlimited },
  });
  const { hostname: host, port } = new URL(broker.url);
  const address = { host, port: Number(port), user: 'guest', password: 'guest', vhost: '/' };
  await initTopology({ address, managementUrl: broker.managementUrl, type: 'classic' });
  const { hostname: redisHost, port: redisPort } = new URL(redis.url);
  const ledgerUrl = postgres?.url ?? eventStoreUrl;
  return {
    address,
    folder,
    redisUrl: redis.url,
    ledgerUrl,
    ledgerName: postgres === null ? `EventStoreDB at ${eventStoreUrl}` : 'embedded PostgreSQL, fsync on',
    ports: { redis: Number(redisPort), rabbitmq: address.port, ledger: Number(new URL(ledgerUrl).port) },
    environment: {
      ...simulator.environment,
      RABBITMQ_HOST: host,
      RABBITMQ_PORT: port,
      RABBITMQ_USER: address.user,
      RABBITMQ_PASS: address.password,
      RABBITMQ_MANAGEMENT_URL: broker.managementUrl,
      REDIS_HOST: redisHost,
      REDIS_PORT: redisPort,
      LEDGER_URL: ledgerUrl,
      SPOTIFY_RATE_PER_SECOND: 'off',
      MUSICBRAINZ_RATE_PER_SECOND: 'off',
      LASTFM_RATE_PER_SECOND: 'off',
    },
    async stop() {
      await simulator.close();
      await postgres?.stop();
      await redis.stop();
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
