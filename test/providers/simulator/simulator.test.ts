import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { noFaults } from '../../../src/providers/simulator/faults.ts';
import { startSimulator } from '../../../src/providers/simulator/simulator.ts';
import { ask, lastfmAsk, searches, spotifyAsk, trackOf, unlimited, withSimulator } from './running.ts';

const track = ['Copper Finch', 'Small Weather'] as const;
const started = {
  tracks: [trackOf({})],
  port: 0,
  seed: 1,
  unknownShare: 0,
  decoyShare: 0,
  latencyMs: 0,
  faults: noFaults,
  ratesPerSecond: unlimited,
};

describe('the simulator', () => {
  it('names the environment that points this project at it', () =>
    withSimulator({}, async ({ url, environment }) => {
      const { spotify, musicbrainz, lastfm } = readConfig(environment, {});
      for (const base of [spotify.baseUrl, spotify.tokenUrl, musicbrainz.baseUrl, lastfm.baseUrl]) {
        expect(base.startsWith(`${url}/`)).toBe(true);
      }
      expect(spotify.credentials).not.toBeNull();
      expect(musicbrainz.userAgent).toMatch(/^\S+\/\S+ \( \S+ \)$/);
      expect(lastfm.apiKey).not.toBeNull();
    }));

  it('refuses with the words of each provider who comes too early, and reports it as a violation', () =>
    withSimulator({ ratesPerSecond: { spotify: 2, musicbrainz: 1, lastfm: 2 } }, async (simulator) => {
      for (const search of Object.values(searches))
        expect((await search(simulator, ...track)).status).toBe(200);
      const spotify = await searches.spotify(simulator, ...track);
      expect(spotify.status).toBe(429);
      expect(spotify.headers['retry-after']).toBe('1');
      expect(spotify.json).toEqual({ error: { status: 429, message: 'API rate limit exceeded' } });
      const musicbrainz = await searches.musicbrainz(simulator, ...track);
      expect(musicbrainz.status).toBe(503);
      expect(musicbrainz.headers).toMatchObject({
        'retry-after': '1',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-zone': expect.stringMatching(/^ws ip=/),
      });
      const lastfm = await searches.lastfm(simulator, ...track);
      expect(lastfm.json.error).toBe(29);
      for (const { violations, calls } of Object.values(simulator.report())) {
        expect({ violations, calls }).toEqual({ violations: 1, calls: 2 });
      }
      expect(simulator.report().musicbrainz.byStatus).toEqual({ 200: 1, 503: 1 });
    }));

  it('lets tokens pass beside the limit, and does not count them as calls', () =>
    withSimulator({ ratesPerSecond: { ...unlimited, spotify: 1 } }, async (simulator) => {
      const authorization = `Basic ${Buffer.from('id:secret').toString('base64')}`;
      for (let n = 0; n < 3; n++) {
        const token = await ask(simulator, '/spotify/api/token', {
          method: 'POST',
          headers: { authorization },
        });
        expect(token.status).toBe(200);
      }
      expect(simulator.report().spotify).toMatchObject({ calls: 0, violations: 0 });
      expect(simulator.calls().map(({ call }) => call)).toEqual([0, 0, 0]);
    }));

  it('takes the time that it was told to', () =>
    withSimulator({ latencyMs: 80 }, async (simulator) => {
      const startMs = performance.now();
      await searches.lastfm(simulator, ...track);
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(78);
    }));

  it('is away for the seconds of an outage, and back after them', () =>
    withSimulator(
      { faults: { ...noFaults, outage: { fromSeconds: 0, toSeconds: 0.3, provider: 'lastfm' } } },
      async (simulator) => {
        expect((await searches.lastfm(simulator, ...track)).status).toBe(503);
        expect((await searches.spotify(simulator, ...track)).status).toBe(200);
        await sleep(350);
        expect((await searches.lastfm(simulator, ...track)).status).toBe(200);
      },
    ));

  it('never answers a call that hangs, and ends at once although it does', async () => {
    const simulator = await startSimulator({ ...started, faults: { ...noFaults, hangShare: 1 } });
    let answered = 0;
    const hanging = Array.from({ length: 5 }, () =>
      searches.spotify(simulator, ...track).then(
        () => {
          answered += 1;
        },
        (error: unknown) => error,
      ),
    );
    while (simulator.report().spotify.calls < 5) await sleep(5);
    await sleep(50);
    expect(answered).toBe(0);
    expect(simulator.report().spotify.answered).toBe(0);
    expect(simulator.calls().map(({ status }) => status)).toEqual([null, null, null, null, null]);
    const startMs = performance.now();
    await simulator.close();
    expect(performance.now() - startMs).toBeLessThan(200);
    for (const one of await Promise.all(hanging)) expect(one).toBeInstanceOf(Error);
  });

  it('leaves nothing behind when it ends while answers are on their way, and ends twice as well', async () => {
    const simulator = await startSimulator({ ...started, latencyMs: 60_000 });
    const cut = searches.spotify(simulator, ...track).catch((error: unknown) => error);
    while (simulator.report().spotify.calls < 1) await sleep(5);
    const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    const before = timers();
    await Promise.all([simulator.close(), simulator.close()]);
    expect(await cut).toBeInstanceOf(Error);
    expect(timers()).toBeLessThan(before);
    await expect(ask(simulator, '/simulator/report')).rejects.toThrow();
  });

  it('says which port is taken', () =>
    withSimulator({}, async ({ url }) => {
      const port = Number(new URL(url).port);
      await expect(startSimulator({ ...started, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    }));
});

describe('the log of calls', () => {
  it('says of each call whose it was, where it went and what came of it, without the key', () =>
    withSimulator({}, async (simulator) => {
      await lastfmAsk(simulator, 'method=track.getInfo&artist=Copper+Finch&track=Small+Weather');
      await ask(simulator, '/lastfm/2.0/?API_KEY=hidden1&method=x&api_key=hidden2&api%5Fkey=hidden3');
      await ask(simulator, '/lastfm/2.0/?api_key=hid;den4&method=x');
      await spotifyAsk(simulator, '/search?q=x&limit=99');
      const [first, ...others] = simulator.calls();
      expect(first).toMatchObject({
        provider: 'lastfm',
        call: 1,
        status: 200,
        tooEarly: false,
        path: expect.stringContaining('method=track.getInfo&artist=Copper+Finch'),
      });
      expect(others.map(({ provider, call, status }) => [provider, call, status])).toEqual([
        ['lastfm', 2, expect.any(Number)],
        ['lastfm', 3, expect.any(Number)],
        ['spotify', 1, 400],
      ]);
      expect(JSON.stringify(simulator.calls())).not.toMatch(/hidden|den4|api_key=k\b/);
      const { json } = await ask(simulator, '/simulator/calls');
      expect(json).toEqual(simulator.calls());
      expect((await ask(simulator, '/simulator/report')).json).toEqual(simulator.report());
    }));

  it('keeps the last thousand, oldest first, each bounded', () =>
    withSimulator({}, async (simulator) => {
      for (let from = 0; from < 1050; from += 50) {
        await Promise.all(
          Array.from({ length: 50 }, (_, n) => lastfmAsk(simulator, `n=${from + n}&x=${'y'.repeat(2000)}`)),
        );
      }
      const calls = simulator.calls();
      expect(calls.map(({ call }) => call)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 51));
      for (const { path } of calls) expect(path.length).toBeLessThanOrEqual(500);
      expect(simulator.report().lastfm.calls).toBe(1050);
    }));
});
