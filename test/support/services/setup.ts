import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import type { TestProject } from 'vitest/node';
import { installPackage, mayInstall } from './distribution.ts';
import { type RabbitmqServer, rabbitmqProgram, startPrivateRabbitmq } from './rabbitmq.ts';
import { redisProgram, startPrivateRedis } from './redis.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a file a service appears, named after it, once it is ready or could not be started. */
    servicesFolder: string;
    /** What has to be installed before the tests of a service can run; null: they can. */
    rabbitmqMissing: string | null;
    redisMissing: string | null;
  }
}

/** What the file of a service holds. */
export type Told<Server> = { readonly server: Server } | { readonly error: string };

interface Started<Server> {
  readonly server: Server;
  stop(): Promise<void>;
}

/** A server that tests need, and the ways to it. */
interface Service<Server> {
  readonly name: 'rabbitmq' | 'redis';
  /** The package of Debian and Ubuntu. */
  readonly debian: string;
  readonly missing: string;
  /** By the variables of the environment; null: they name none. */
  readonly given: () => Server | null;
  readonly isInstalled: () => boolean;
  readonly startPrivate: () => Promise<Started<Server>>;
  readonly startContainer: () => Promise<Started<Server>>;
}

const rabbitmq: Service<RabbitmqServer> = {
  name: 'rabbitmq',
  debian: 'rabbitmq-server',
  missing:
    'RabbitMQ is missing: install rabbitmq-server, let Docker be reachable, or set TEST_RABBITMQ_URL and TEST_RABBITMQ_MANAGEMENT_URL',
  given() {
    const { TEST_RABBITMQ_URL: url = '', TEST_RABBITMQ_MANAGEMENT_URL: managementUrl = '' } = process.env;
    if (url === '') return null;
    return { url, managementUrl: managementUrl || `http://${new URL(url).hostname}:15672` };
  },
  isInstalled: () => rabbitmqProgram() !== null,
  async startPrivate() {
    const { url, managementUrl, stop } = await startPrivateRabbitmq();
    return { server: { url, managementUrl }, stop };
  },
  async startContainer() {
    const container = await new GenericContainer('rabbitmq:3.13-management')
      .withExposedPorts(5672, 15_672)
      .withEnvironment({ RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-rabbit collect_statistics_interval 200' })
      .withWaitStrategy(Wait.forLogMessage(/Server startup complete/))
      .start();
    const at = (scheme: string, port: number) =>
      `${scheme}${container.getHost()}:${container.getMappedPort(port)}`;
    const server = { url: at('amqp://guest:guest@', 5672), managementUrl: at('http://', 15_672) };
    return { server, stop: async () => void (await container.stop()) };
  },
};

const redis: Service<{ readonly url: string }> = {
  name: 'redis',
  debian: 'redis-server',
  missing: 'Redis is missing: install redis-server, let Docker be reachable, or set TEST_REDIS_URL',
  given: () => (process.env.TEST_REDIS_URL ? { url: process.env.TEST_REDIS_URL } : null),
  isInstalled: () => redisProgram() !== null,
  async startPrivate() {
    const { url, stop } = await startPrivateRedis();
    return { server: { url }, stop };
  },
  async startContainer() {
    const container = await new GenericContainer('redis:7-alpine').withExposedPorts(6379).start();
    const server = { url: `redis://${container.getHost()}:${container.getMappedPort(6379)}` };
    return { server, stop: async () => void (await container.stop()) };
  },
};

/**
 * RabbitMQ and Redis for the whole run, started in the background: those that TEST_…_URL names, else private ones of
 * the programs on this machine, else in Docker, else, as root on Debian or Ubuntu, after installing them. PostgreSQL
 * comes from npm, see global-setup.ts.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'enrichment-services-'));
  project.provide('servicesFolder', folder);
  const stops = [await begin(project, folder, rabbitmq), await begin(project, folder, redis)];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
    rmSync(folder, { recursive: true, force: true });
  };
}

async function begin<Server>(
  project: TestProject,
  folder: string,
  service: Service<Server>,
): Promise<() => Promise<void>> {
  const { name, missing } = service;
  const start = await howToStart(service);
  project.provide(name === 'redis' ? 'redisMissing' : 'rabbitmqMissing', start === null ? missing : null);
  if (start === null) {
    console.warn(`\n*** Tests are SKIPPED. ${missing}. ***\n`);
    return async () => undefined;
  }
  const starting = start();
  const told = starting.then(
    ({ server }) => tell(folder, name, { server }),
    (error: unknown) => tell(folder, name, { error: error instanceof Error ? error.message : String(error) }),
  );
  return async () => {
    await told;
    const started = await starting.catch(() => null);
    await started?.stop();
  };
}

async function howToStart<Server>(
  service: Service<Server>,
): Promise<(() => Promise<Started<Server>>) | null> {
  const server = service.given();
  if (server !== null) return async () => ({ server, stop: async () => undefined });
  if (service.isInstalled()) return service.startPrivate;
  const docker = await getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
  if (docker) return service.startContainer;
  if (!mayInstall()) return null;
  // Before any test begins, since it may take longer than a test may wait.
  try {
    await installPackage(service.debian);
  } catch (error) {
    console.warn(
      `${service.debian} could not be installed: ${error instanceof Error ? error.message : error}`,
    );
    return null;
  }
  return service.startPrivate;
}

function tell<Server>(folder: string, name: string, told: Told<Server>): void {
  const unfinished = join(folder, `${name}.json.new`);
  writeFileSync(unfinished, JSON.stringify(told), { mode: 0o600 });
  renameSync(unfinished, join(folder, `${name}.json`));
}
