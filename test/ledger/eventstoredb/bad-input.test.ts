import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openEventStoreLedger } from '../../../src/ledger/eventstoredb.ts';
import { appendBytesMax, LedgerRefusal, LedgerUnavailable } from '../../../src/ledger/ledger.ts';
import { denied } from '../../support/eventstoredb/errors.ts';
import { noFaults } from '../../support/eventstoredb/faults.ts';
import { type StandIn, startStandIn } from '../../support/eventstoredb/server.ts';
import { eventOf, eventsOf, idsOf } from '../events.ts';

let server: StandIn;
beforeAll(async () => {
  server = await startStandIn();
});
afterAll(() => server.stop());

async function freePort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  const { port } = listening.address() as { readonly port: number };
  await new Promise((resolve) => listening.close(resolve));
  return port;
}

describe('an address that cannot be used is one sentence that names LEDGER_URL:', () => {
  const said = async (url: string) => {
    const opening = openEventStoreLedger({ url });
    await expect(opening).rejects.toBeInstanceOf(LedgerUnavailable);
    return opening.then(
      () => '',
      (error: Error) => error.message,
    );
  };

  it.each([
    ['no address', 'esdb://', /LEDGER_URL is no address of EventStoreDB/],
    ['another scheme', 'http://127.0.0.1:1', /LEDGER_URL is no address of EventStoreDB/],
    [
      'a host that nobody knows',
      'esdb://no-such-host.invalid:2113?tls=false',
      /host in LEDGER_URL is not known/,
    ],
    [
      'a cluster that is not there',
      'esdb+discover://127.0.0.1:1?tls=false&maxDiscoverAttempts=1&discoveryInterval=10&gossipTimeout=1',
      /No node of the EventStoreDB cluster in LEDGER_URL answers/,
    ],
  ])('%s', async (_, url, message) => {
    expect(await said(url)).toMatch(message);
  });

  it('a port where nothing listens', async () => {
    expect(await said(`esdb://127.0.0.1:${await freePort()}?tls=false`)).toMatch(
      /Nothing listens at the address/,
    );
  });

  it('TLS against a server without', async () => {
    expect(await said(server.url.replace('tls=false', 'tls=true'))).toMatch(
      /add "\?tls=false" to LEDGER_URL/,
    );
  });
});

describe('wrong credentials are one sentence that names LEDGER_URL:', () => {
  const refused = /refuses the user and password in LEDGER_URL: correct them/;
  afterEach(() => {
    server.faults = noFaults();
  });

  it.each(['password', 'rights'] as const)('%s, when it is opened', async (which) => {
    server.faults = { ...noFaults(), call: denied[which] };
    await expect(openEventStoreLedger({ url: server.url })).rejects.toThrow(refused);
  });

  it('rights that are taken away later end an append at once, and what stands there stays', async () => {
    const ledger = await openEventStoreLedger({ url: server.url });
    const kept = eventsOf(1);
    await ledger.append('track-b', 'no-stream', kept);
    server.faults = { ...noFaults(), append: () => ({ kind: 'denied' }) };
    const appending = ledger.append('track-b', 0, eventsOf(1));
    await expect(appending).rejects.toBeInstanceOf(LedgerUnavailable);
    await expect(appending).rejects.toThrow(refused);
    server.faults = noFaults();
    expect(idsOf(await ledger.read('track-b'))).toEqual(idsOf(kept));
    await ledger.close();
  });
});

it('an event over the limit, or an empty stream name, is refused, and what stands there stays', async () => {
  const ledger = await openEventStoreLedger({ url: server.url });
  const kept = eventsOf(1);
  await ledger.append('track-a', 'no-stream', kept);
  const tooLarge = ledger.append('track-a', 0, [eventOf({ text: 'x'.repeat(appendBytesMax) })]);
  await expect(tooLarge).rejects.toThrow(
    /track-a: an append of \d+ bytes is over the limit of 1048576: split it/,
  );
  const unnamed = ledger.append('', 'no-stream', eventsOf(1));
  await expect(unnamed).rejects.toBeInstanceOf(LedgerRefusal);
  await expect(unnamed).rejects.toThrow('A stream needs a name: this one is empty.');
  expect(idsOf(await ledger.read('track-a'))).toEqual(idsOf(kept));
  await ledger.close();
});
