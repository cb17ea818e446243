import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    realEventStore: RealEventStore;
  }
}

/** The real server that tests run against beside the stand-in, or why there is none. */
export type RealEventStore =
  | { readonly url: string; readonly name: string }
  | { readonly url: null; readonly name: string };

/** The same as in docker-compose.yml. */
const image = 'eventstore/eventstore:23.10.6-jammy';
const port = 2113;
const startMsMax = 180_000;

/** What TEST_EVENTSTORE_URL names, else a container where Docker is reachable. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_EVENTSTORE_URL ?? '';
  if (given !== '') {
    return provide(project, { url: given, name: 'the real server of TEST_EVENTSTORE_URL' });
  }
  try {
    await getContainerRuntimeClient();
  } catch {
    return provide(project, {
      url: null,
      name: 'a real server: set TEST_EVENTSTORE_URL, or let Docker be reachable',
    });
  }
  try {
    const container = await new GenericContainer(image)
      .withEnvironment({ EVENTSTORE_INSECURE: 'true', EVENTSTORE_MEM_DB: 'true' })
      .withExposedPorts(port)
      .withWaitStrategy(Wait.forHttp('/health/live', port).forStatusCodeMatching((code) => code < 300))
      .withStartupTimeout(startMsMax)
      .start();
    const url = `esdb://${container.getHost()}:${container.getMappedPort(port)}?tls=false`;
    await provide(project, { url, name: `a real server, ${image} in Docker` });
    return async () => void (await container.stop());
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return provide(project, { url: null, name: `a real server: ${image} did not start in Docker (${why})` });
  }
}

async function provide(project: TestProject, server: RealEventStore): Promise<() => Promise<void>> {
  project.provide('realEventStore', server);
  const real = server.url === null ? `skipped ${server.name}` : server.name;
  console.log(`EventStoreDB in this run: the stand-in; ${real}.`);
  return async () => undefined;
}
