import { describe, inject } from 'vitest';
import { type StandIn, startStandIn } from '../../support/eventstoredb/server.ts';

/** A server that the tests of EventStoreDB run against. */
export interface EventStoreServer {
  readonly url: string;
  /** With its hooks, where it is the stand-in. */
  readonly standIn: StandIn | null;
  stop(): Promise<void>;
}

/** Describes the same of the stand-in and of a real server; without one, that half is skipped and says why. */
export function describeOnEveryServer(
  what: string,
  define: (start: () => Promise<EventStoreServer>, name: string) => void,
): void {
  const real = inject('realEventStore');
  const standIn = 'the stand-in';
  describe(`${what} (${standIn})`, () => define(startOfStandIn, standIn));
  describe.skipIf(real.url === null)(`${what} (${real.name})`, () =>
    define(async () => ({ url: real.url ?? '', standIn: null, stop: async () => undefined }), real.name),
  );
}

async function startOfStandIn(): Promise<EventStoreServer> {
  const started = await startStandIn();
  return { url: started.url, standIn: started, stop: () => started.stop() };
}
