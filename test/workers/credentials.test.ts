import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/domain/answer.ts';
import { createCredentials } from '../../src/workers/credentials.ts';
import { NoProviderLeft } from '../../src/workers/handle.ts';
import {
  finds,
  missing,
  misused,
  scriptedClients,
  throttledFor,
  unauthorised,
  unavailable,
} from './clients.ts';
import { factsOfTrack, ofType, typesOf, useLedger } from './ledgers.ts';
import { messageOf, openWorld, requestOf } from './world.ts';

function seen() {
  const clock = { nowMs: 1_000_000 };
  const said: string[] = [];
  const credentials = createCredentials({
    now: () => clock.nowMs,
    onRefused: (provider, message) => said.push(`${provider} refuses: ${message}`),
    onAccepted: (provider) => said.push(`${provider} accepts`),
  });
  return { credentials, said, clock };
}

describe('credentials', () => {
  it('are usable until they are refused, which is said once however often it happens', () => {
    const { credentials, said } = seen();
    expect(credentials.usable('spotify')).toBe(true);
    for (let n = 0; n < 3; n++) credentials.saw('spotify', unauthorised);
    expect(credentials.usable('spotify')).toBe(false);
    expect(credentials.usable('lastfm')).toBe(true);
    expect(said).toEqual(['spotify refuses: Who are you?']);
  });

  it('are tried by one task in five minutes, again and again', () => {
    const { credentials, clock } = seen();
    credentials.saw('spotify', unauthorised);
    for (let n = 0; n < 3; n++) {
      clock.nowMs += 5 * 60_000 - 1;
      expect(credentials.usable('spotify')).toBe(false);
      clock.nowMs += 1;
      expect(credentials.usable('spotify')).toBe(true);
      expect(credentials.usable('spotify')).toBe(false);
    }
  });

  it.each<[string, Outcome, boolean]>([
    ['found', { kind: 'found', candidates: [], bodyHash: '' }, true],
    ['missing', missing, true],
    ['misused', misused, true],
    ['throttled', throttledFor(1000), true],
    ['unavailable', unavailable, false],
  ])('that were refused and then meet %s are usable again: %s', (_what, outcome, works) => {
    const { credentials, said } = seen();
    credentials.saw('lastfm', outcome);
    expect(said).toEqual([]);
    credentials.saw('lastfm', unauthorised);
    credentials.saw('lastfm', outcome);
    expect(credentials.usable('lastfm')).toBe(works);
    expect(said.slice(1)).toEqual(works ? ['lastfm accepts'] : []);
  });
});

describe('a provider that refuses our credentials', () => {
  const ledgerOf = useLedger();

  it('counts as not configured from then on: not asked, not left out, said once', async () => {
    const clients = scriptedClients({ spotify: unauthorised, musicbrainz: finds, lastfm: finds });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const requests = Array.from({ length: 5 }, () => requestOf());
    for (const request of requests) await world.deliver(messageOf(request));
    expect(clients.spotify.calls).toHaveLength(1);
    expect(world.refused).toEqual(['spotify: Who are you?']);
    for (const { trackId } of requests) {
      const [enriched] = ofType(await factsOfTrack(ledgerOf(), trackId), 'Enriched');
      expect(enriched?.data).toMatchObject({ status: 'completed', leftOut: [] });
    }
    expect(world.followUps).toEqual([]);
  });

  it('costs no attempt, and the call stands in the ledger', async () => {
    const clients = scriptedClients({ spotify: unauthorised });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const request = requestOf();
    await world.deliver(messageOf(request));
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    expect(ofType(facts, 'ApiCalled').map(({ data }) => data.outcome.kind)).toContain('unauthorised');
    expect(facts.at(-1)).toMatchObject({ type: 'Failed', data: { reason: 'not_found', attempt: 0 } });
  });

  it('leaves the worker without any where all do: the task is not decided, and comes again', async () => {
    const clients = scriptedClients({
      spotify: unauthorised,
      musicbrainz: unauthorised,
      lastfm: unauthorised,
    });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const request = requestOf();
    const message = messageOf(request);
    await expect(world.deliver(message)).rejects.toThrow(NoProviderLeft);
    await expect(world.deliver(messageOf(requestOf()))).rejects.toThrow(/check the keys/);
    expect(world.refused).toHaveLength(3);
    expect(world.settled).toEqual([]);
    expect(typesOf(await factsOfTrack(ledgerOf(), request.trackId))).not.toContain('Failed');
    // Later, with keys that work, the same message is worked off.
    const later = openWorld({ ledger: ledgerOf(), clients: scriptedClients({ spotify: finds }) });
    await later.deliver(message, true);
    expect((await factsOfTrack(ledgerOf(), request.trackId)).at(-1)?.type).toBe('Enriched');
  });
});
