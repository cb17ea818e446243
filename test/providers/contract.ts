import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lookup, Outcome } from '../../src/domain/answer.ts';
import { answerLimits } from '../../src/domain/answer.ts';
import type { Provider } from '../../src/domain/provider.ts';
import { createHttp, type Http } from '../../src/providers/http.ts';
import type { ProviderClient } from '../../src/providers/provider-client.ts';
import { type LocalServer, type Reply, startLocalServer } from './local-server.ts';

export const search: Lookup = { kind: 'search', artist: 'Nina Example', title: 'A Song' };
export const byIsrc: Lookup = { kind: 'isrc', isrc: 'GBAYE0000351' };

export interface ClassificationRow {
  readonly says: string;
  readonly lookup?: Lookup;
  readonly reply: Reply;
  readonly means: Partial<Outcome> & { readonly kind: Outcome['kind'] };
}

export interface ProviderClientContract {
  readonly provider: Provider;
  /** A client that talks to the server, its token endpoint aside. */
  readonly create: (http: Http, url: string) => ProviderClient;
  /** What must never stand in an outcome. */
  readonly secrets: readonly string[];
  /** A body that holds this as the list of results, or as the one result. */
  readonly bodyAround: (result: unknown) => unknown;
  /** One full result in the provider's shape. */
  readonly result: unknown;
  readonly rows: readonly ClassificationRow[];
}

const timeoutMs = 300;
/** Where no law looks at it: a machine at its limit takes a while to answer. */
const ampleMs = 10_000;

/** Replaces values anywhere in a result by others: what a changed or broken API would send. */
function bent(result: unknown): fc.Arbitrary<unknown> {
  const odd = fc.oneof(
    fc.constantFrom<unknown>(null, '', '0', 0, -1, [], {}, [null], 'FIXME', true, 1e300, '\u0000', '\ud800'),
    fc.jsonValue(),
  );
  if (typeof result !== 'object' || result === null) {
    return fc.oneof({ weight: 4, arbitrary: fc.constant(result) }, { weight: 1, arbitrary: odd });
  }
  const inner: fc.Arbitrary<unknown> = Array.isArray(result)
    ? fc.tuple(...result.map(bent))
    : fc.record(Object.fromEntries(Object.entries(result).map(([key, value]) => [key, bent(value)])), {
        requiredKeys: [],
      });
  return fc.oneof({ weight: 8, arbitrary: inner }, { weight: 1, arbitrary: odd });
}

/** The laws of every provider client. */
export function providerClientContract(contract: ProviderClientContract): void {
  const { provider, create, secrets, bodyAround, result, rows } = contract;

  describe(`the client of ${provider}`, () => {
    let server: LocalServer;
    let http: Http;
    let client: ProviderClient;

    beforeAll(async () => {
      server = await startLocalServer();
      http = createHttp({ timeoutMs: ampleMs, userAgent: 'test/1 ( test@example.org )' });
      client = create(http, server.url);
      await client.prepare();
    });
    afterAll(async () => {
      await client.close();
      await http.close();
      await server.close();
    });

    function expectWellFormed(outcome: Outcome): void {
      const text = JSON.stringify(outcome);
      for (const secret of secrets) expect(text).not.toContain(secret);
      expect(JSON.parse(text)).toEqual(outcome);
      expect(text).not.toMatch(/\\u0000|\\ud[89a-f]/i);
      if ('message' in outcome) expect(outcome.message.length).toBeGreaterThan(0);
      if ('message' in outcome) expect(outcome.message.length).toBeLessThanOrEqual(300);
      if ('bodyHash' in outcome) expect(outcome.bodyHash).toMatch(/^[0-9a-f]{64}$/);
      if (outcome.kind === 'throttled') {
        expect(outcome.retryAfterMs).toBeGreaterThan(0);
        expect(() => new Date(Date.now() + outcome.retryAfterMs).toISOString()).not.toThrow();
      }
      if (outcome.kind !== 'found') return;
      expect(outcome.candidates.length).toBeGreaterThan(0);
      expect(JSON.stringify(outcome.candidates).length).toBeLessThanOrEqual(answerLimits.bytesMax);
      for (const { title, durationMs, values } of outcome.candidates) {
        expect(title).not.toBe('');
        expect(durationMs === null || durationMs > 0).toBe(true);
        for (const value of Object.values(values)) expect(['string', 'number']).toContain(typeof value);
      }
    }

    it.each(rows.map((row) => [row.says, row] as const))('classifies %s', async (_says, row) => {
      server.answer(row.reply);
      const { outcome, httpStatus } = await client.call(row.lookup ?? search);
      expect(outcome).toMatchObject(row.means);
      expect(httpStatus).toBe(row.reply.status);
      expectWellFormed(outcome);
      expect(server.received).toHaveLength(1);
    });

    it('finds a full result, with one call', async () => {
      server.answer({ status: 200, body: JSON.stringify(bodyAround(result)) });
      const { outcome, httpStatus, durationMs } = await client.call(search);
      expect(outcome.kind).toBe('found');
      expect(httpStatus).toBe(200);
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(server.received).toHaveLength(1);
      expectWellFormed(outcome);
    });

    it('makes an outcome of any body with any status', async () => {
      const body = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc.jsonValue().map((value) => JSON.stringify(bodyAround(value))),
        fc.constantFrom('<html>busy</html>', '{"error":', '', 'null', '[]', '{"error":6}', '{"error":{}}'),
      );
      const status = fc.constantFrom(200, 201, 204, 302, 400, 401, 404, 418, 429, 500, 502, 503, 504);
      const retryAfter = fc.constantFrom(
        '',
        '0',
        '-1',
        '7',
        '1e300',
        'soon',
        'Wed, 21 Oct 2099 07:28:00 GMT',
      );
      await fc.assert(
        fc.asyncProperty(body, status, retryAfter, async (text, code, after) => {
          const empty = code === 204;
          server.answer((request) =>
            request.url.pathname.endsWith('/token')
              ? { status: 200, body: '{"access_token":"other-token"}' }
              : { status: code, headers: { 'retry-after': after }, body: empty ? '' : text },
          );
          expectWellFormed((await client.call(search)).outcome);
        }),
        { numRuns: 150 },
      );
    });

    it('makes an outcome of a result of which any part is missing or of another shape', async () => {
      await fc.assert(
        fc.asyncProperty(bent(result), async (one) => {
          server.answer({ status: 200, body: JSON.stringify(bodyAround(one)) });
          const { outcome } = await client.call(search);
          expect(['found', 'missing', 'unavailable']).toContain(outcome.kind);
          expectWellFormed(outcome);
        }),
        { numRuns: 200 },
      );
    });

    it('sends any question, whatever its characters', async () => {
      server.answer({ status: 200, body: JSON.stringify(bodyAround(result)) });
      const text = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constant(`${'x'.repeat(249)}😀`),
        fc.constant('\ud800'),
      );
      await fc.assert(
        fc.asyncProperty(text, text, async (artist, title) => {
          expect((await client.call({ kind: 'search', artist, title })).outcome.kind).toBe('found');
        }),
        { numRuns: 80 },
      );
    });

    it('gives up a hanging answer after its timeout', async () => {
      const hasty = createHttp({ timeoutMs, userAgent: 'test/1 ( test@example.org )' });
      const impatient = create(hasty, server.url);
      await impatient.prepare();
      server.answer('hang');
      const startMs = performance.now();
      const { outcome, httpStatus } = await impatient.call(search);
      expect(outcome).toMatchObject({ kind: 'unavailable', reason: 'timeout', retryAfterMs: null });
      expect(httpStatus).toBeNull();
      expect(performance.now() - startMs).toBeLessThan(timeoutMs + 1000);
      await impatient.close();
      await hasty.close();
    });

    it('tells a lost connection from an answer', async () => {
      server.answer('cut');
      const { outcome } = await client.call(search);
      expect(outcome).toMatchObject({ kind: 'unavailable', reason: 'connection' });
      expectWellFormed(outcome);
    });

    it('takes an answer that is too large as a broken one', async () => {
      server.answer({ status: 200, body: `"${'x'.repeat(1024 * 1024)}"` });
      expect((await client.call(search)).outcome).toMatchObject({
        kind: 'unavailable',
        reason: 'broken-body',
      });
    });
  });
}
