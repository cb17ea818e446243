import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Simulator } from '../../../src/providers/simulator/simulator.ts';
import { ask, searches, withSimulator } from './running.ts';

const agent = { 'user-agent': 'test/1 ( test@example.org )', authorization: 'Bearer simulated-token' };

async function expectWhole(simulator: Simulator): Promise<void> {
  expect((await searches.lastfm(simulator, 'Copper Finch', 'Small Weather')).status).toBe(200);
}

/** Sends bytes as they are and waits until the other side has had enough of them. */
function sendRaw(simulator: Simulator, bytes: string): Promise<string> {
  const { hostname, port } = new URL(simulator.url);
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(Number(port), hostname, () => socket.end(bytes, 'latin1'));
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.on('error', () => undefined).on('close', () => resolve(said));
  });
}

describe('a request that is not one', () => {
  it.each([
    '//',
    '///',
    '//spotify/v1/search',
    '/\\',
    '*',
    'http://',
    'http://[',
    'http://other.example/spotify/v1/search?q=x',
    'http://:99999/',
    '/spotify',
    '/spotify//v1/search',
    '/%',
    '/musicbrainz/ws/2/isrc/%E0%A4%A',
    '/musicbrainz/ws/2/recording?query=%E0%A4%A&limit=%',
    '/musicbrainz/ws/2/recording?query=recording%3A%22%5C%5C%5C',
    '/lastfm/2.0/?api_key=%FF&method=%00&artist=%ED%A0%80',
    '/lastfm/2.0/?api_key=k&method=track.getInfo&artist=%00&track=%ED%A0%80',
    '/spotify/v1/search?limit=NaN&q=%ED%B0%80',
    '/spotify/v1/tracks/../../..',
    '/simulator/',
    '/simulator/other',
    '/?',
    '/#',
  ])('such as %j is answered, and others after it', (path) =>
    withSimulator({}, async (simulator) => {
      const { status } = await ask(simulator, path, { headers: agent });
      expect(status).toBeGreaterThanOrEqual(200);
      expect(status).toBeLessThan(500);
      await expectWhole(simulator);
    }),
  );

  it('of any printable target is answered', () =>
    withSimulator({}, async (simulator) => {
      const part = fc.oneof(
        fc.constantFrom(
          '/',
          '//',
          '/spotify',
          '/musicbrainz/ws/2',
          '/lastfm/2.0/',
          '?',
          '%',
          '&',
          'query=',
          ':',
          '@',
        ),
        fc.stringMatching(/^[!-~]{0,12}$/),
      );
      const target = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('')}`);
      await fc.assert(
        fc.asyncProperty(target, async (path) => {
          const { status } = await ask(simulator, path, { headers: agent });
          expect(status).toBeLessThan(500);
        }),
        { numRuns: 300 },
      );
      await expectWhole(simulator);
    }));

  it('of any bytes at all ends its own connection and no more', () =>
    withSimulator({}, async (simulator) => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (bytes) => {
          await sendRaw(simulator, bytes);
          await sendRaw(simulator, `GET /lastfm/2.0/ HTTP/1.1\r\nHost: x\r\n${bytes}\r\n\r\n`);
        }),
        { numRuns: 50 },
      );
      await expectWhole(simulator);
    }));

  it('with a query longer than any is refused', () =>
    withSimulator({}, async (simulator) => {
      const { status } = await ask(simulator, `/spotify/v1/search?q=${'a'.repeat(100_000)}`, {
        headers: agent,
      });
      expect(status).toBe(431);
      const nested = `/musicbrainz/ws/2/recording?query=${'recording:%22%5C%22'.repeat(700)}`;
      const startMs = performance.now();
      expect((await ask(simulator, nested, { headers: agent })).status).toBe(400);
      expect(performance.now() - startMs).toBeLessThan(1000);
      await expectWhole(simulator);
    }));

  it.each([
    ['POST', '/spotify/v1/search?q=x'],
    ['DELETE', '/musicbrainz/ws/2/recording?query=x'],
    ['PUT', '/lastfm/2.0/?method=track.getInfo&api_key=k'],
    ['GET', '/spotify/api/token'],
    ['DELETE', '/simulator/report'],
  ])('of the method %s for %s is answered 405', (method, path) =>
    withSimulator({}, async (simulator) => {
      const { status } = await ask(simulator, path, { method, headers: agent, body: 'x'.repeat(100_000) });
      expect(status).toBe(405);
      await expectWhole(simulator);
    }),
  );

  it('with a body far larger than any is read past', () =>
    withSimulator({}, async (simulator) => {
      const told = await ask(simulator, '/spotify/api/token', {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('id:secret').toString('base64')}` },
        body: 'x'.repeat(5_000_000),
      });
      expect(told.status).toBe(200);
      await expectWhole(simulator);
    }));

  it('that is given up half-way leaves the others alone', () =>
    withSimulator({ latencyMs: 30 }, async (simulator) => {
      const { hostname, port } = new URL(simulator.url);
      for (let n = 0; n < 10; n++) {
        const socket = connect(Number(port), hostname, () => {
          socket.write('GET /lastfm/2.0/?api_key=k HTTP/1.1\r\nHost: x\r\n\r\n');
          setTimeout(() => socket.resetAndDestroy(), 5);
        });
        socket.on('error', () => undefined);
      }
      await new Promise((done) => setTimeout(done, 60));
      await expectWhole(simulator);
    }));
});
