import { afterAll } from 'vitest';
import { ledgerContract } from '../contract.ts';
import { describeOnEveryServer, type EventStoreServer } from './servers.ts';
import { openEventStoreStorage } from './storage.ts';

describeOnEveryServer('EventStoreDB', (start, name) => {
  let server: Promise<EventStoreServer> | null = null;
  afterAll(async () => (await server)?.stop());
  ledgerContract(`the EventStoreDB ledger on ${name}`, async () => {
    server ??= start();
    return openEventStoreStorage((await server).url);
  });
});
