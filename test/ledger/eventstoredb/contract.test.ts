import { afterAll, describe } from 'vitest';
import { ledgerContract } from '../contract.ts';
import { type EventStoreServer, eventStoreServers } from './servers.ts';
import { openEventStoreStorage } from './storage.ts';

for (const { name, start } of eventStoreServers) {
  describe(name, () => {
    let server: Promise<EventStoreServer> | null = null;
    afterAll(async () => (await server)?.stop());
    ledgerContract(`the EventStoreDB ledger on ${name}`, async () => {
      server ??= start();
      return openEventStoreStorage((await server).url);
    });
  });
}
