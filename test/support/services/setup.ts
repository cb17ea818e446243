import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { installPackage, mayInstall } from './distribution.ts';
import { type RabbitmqServer, rabbitmqProgram, startPrivateRabbitmq } from './rabbitmq.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a file a service appears, named after it, once it is ready or could not be started. */
    servicesFolder: string;
    /** What has to be installed before the tests of a broker can run; null: they can. */
    rabbitmqMissing: string | null;
  }
}

/** What the file of a service holds. */
export type Told<Server> = { readonly server: Server } | { readonly error: string };

interface Started<Server> {
  readonly server: Server;
  stop(): Promise<void>;
}

const image = 'rabbitmq:3.13-management';

/**
 * RabbitMQ for the whole run, started in the background: that of TEST_RABBITMQ_URL, else a private one of the
 * programs on this machine, else one in Docker, else, as root on Debian or Ubuntu, after installing it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'enrichment-services-'));
  project.provide('servicesFolder', folder);
  const start = await howToStart();
  const missing =
    'RabbitMQ is missing: install rabbitmq-server, let Docker be reachable, or set TEST_RABBITMQ_URL and TEST_RABBITMQ_MANAGEMENT_URL';
  project.provide('rabbitmqMissing', start === null ? missing : null);
  if (start === null) console.warn(`\n*** Tests on RabbitMQ are SKIPPED. ${missing}. ***\n`);
  const starting = start?.();
  const told = starting?.then(
    ({ server }) => tell(folder, 'rabbitmq', { server }),
    (error: unknown) =>
      tell(folder, 'rabbitmq', { error: error instanceof Error ? error.message : String(error) }),
  );
  return async () => {
    await told;
    const started = await starting?.catch(() => null);
    await started?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

async function howToStart(): Promise<(() => Promise<Started<RabbitmqServer>>) | null> {
  const { TEST_RABBITMQ_URL: url = '', TEST_RABBITMQ_MANAGEMENT_URL: managementUrl = '' } = process.env;
  if (url !== '') {
    const { hostname } = new URL(url);
    const server = { url, managementUrl: managementUrl || `http://${hostname}:15672` };
    return async () => ({ server, stop: async () => undefined });
  }
  const startPrivate = async () => {
    const server = await startPrivateRabbitmq();
    return { server: { url: server.url, managementUrl: server.managementUrl }, stop: server.stop };
  };
  if (rabbitmqProgram() !== null) return startPrivate;
  const { getContainerRuntimeClient, GenericContainer, Wait } = await import('testcontainers');
  const docker = await getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
  if (docker) {
    return async () => {
      const container = await new GenericContainer(image)
        .withExposedPorts(5672, 15_672)
        .withEnvironment({ RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-rabbit collect_statistics_interval 200' })
        .withWaitStrategy(Wait.forLogMessage(/Server startup complete/))
        .start();
      const at = (scheme: string, port: number) =>
        `${scheme}${container.getHost()}:${container.getMappedPort(port)}`;
      const server = { url: at('amqp://guest:guest@', 5672), managementUrl: at('http://', 15_672) };
      return { server, stop: async () => void (await container.stop()) };
    };
  }
  if (!mayInstall()) return null;
  return async () => {
    await installPackage('rabbitmq-server');
    return startPrivate();
  };
}

function tell<Server>(folder: string, name: string, told: Told<Server>): void {
  const unfinished = join(folder, `${name}.json.new`);
  writeFileSync(unfinished, JSON.stringify(told), { mode: 0o600 });
  renameSync(unfinished, join(folder, `${name}.json`));
}
