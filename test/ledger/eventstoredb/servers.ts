import { type StandIn, startStandIn } from '../../support/eventstoredb/server.ts';

/** A server that the tests of EventStoreDB run against. */
export interface EventStoreServer {
  readonly url: string;
  /** With its hooks, where it is the stand-in. */
  readonly standIn: StandIn | null;
  stop(): Promise<void>;
}

interface Startable {
  readonly name: string;
  start(): Promise<EventStoreServer>;
}

const given = process.env.TEST_EVENTSTORE_URL ?? '';

const standIn: Startable = {
  name: 'the stand-in',
  async start() {
    const started = await startStandIn();
    return { url: started.url, standIn: started, stop: () => started.stop() };
  },
};

const real: Startable = {
  name: 'the server of TEST_EVENTSTORE_URL',
  start: async () => ({ url: given, standIn: null, stop: async () => undefined }),
};

/** The stand-in, and a real server where TEST_EVENTSTORE_URL names one. */
export const eventStoreServers: readonly Startable[] = given === '' ? [standIn] : [standIn, real];
