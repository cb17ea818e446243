import { describe, expect, it } from 'vitest';
import { defaultGateLimits, type GateLimits } from '../../src/domain/gate-limits.ts';
import type { ProviderGates } from '../../src/providers/gate.ts';

const limits = (ratePerSecond: number): GateLimits => ({ ...defaultGateLimits, ratePerSecond });

export interface GatesUnderTest {
  readonly gates: ProviderGates;
  /** Moves the clock of the gates. */
  advance(ms: number): void;
}

/** The laws of every adapter of the gates; the rates are 5, 1 and infinite a second. */
export function gatesContract(
  name: string,
  create: (limits: Readonly<Record<'spotify' | 'musicbrainz' | 'lastfm', GateLimits>>) => GatesUnderTest,
): void {
  const start = () =>
    create({ spotify: limits(5), musicbrainz: limits(1), lastfm: limits(Number.POSITIVE_INFINITY) });
  const ask = { lane: 'real-time', patienceMs: 2000 } as const;

  describe(`the gates ${name}`, () => {
    it('reserve one slot an interval, and refuse beyond the patience', async () => {
      const { gates } = start();
      const inMs: number[] = [];
      for (let n = 0; n < 2; n++) {
        const reservation = await gates.reserve('musicbrainz', ask);
        expect(reservation.kind).toBe('slot');
        inMs.push(reservation.inMs);
      }
      expect(inMs).toEqual([1000, 2000]);
      expect(await gates.reserve('musicbrainz', ask)).toEqual({ kind: 'later', inMs: 3000, why: 'rate' });
    });

    it('keep the providers apart', async () => {
      const { gates } = start();
      await gates.report('musicbrainz', { kind: 'throttled', retryAfterMs: 60_000 });
      expect(gates.circuit('musicbrainz')).toBe('open');
      expect(gates.circuit('spotify')).toBe('closed');
      expect((await gates.reserve('spotify', ask)).kind).toBe('slot');
    });

    it('say when a slot is free without reserving it, also for those further behind', async () => {
      const { gates, advance } = start();
      expect(gates.nextFreeInMs('spotify')).toBe(200);
      expect(gates.nextFreeInMs('spotify', 3)).toBe(800);
      expect(gates.nextFreeInMs('spotify')).toBe(200);
      expect(gates.nextFreeInMs('lastfm', 1000)).toBe(0);
      advance(5000);
      expect(gates.nextFreeInMs('spotify')).toBe(0);
      await gates.report('spotify', { kind: 'throttled', retryAfterMs: 7000 });
      expect(gates.nextFreeInMs('spotify')).toBe(7000);
    });

    it('take back a slot that was waited for when the gate closes meanwhile', async () => {
      const { gates, advance } = start();
      const reservation = await gates.reserve('spotify', ask);
      if (reservation.kind !== 'slot') return expect.fail('There was no slot.');
      await gates.report('spotify', { kind: 'throttled', retryAfterMs: 1000 });
      advance(reservation.inMs);
      expect(await gates.mayEnter('spotify', reservation)).toBe(false);
    });

    it('admit one probe at the end of a closure, and open when it is answered', async () => {
      const { gates, advance } = start();
      for (let n = 0; n < defaultGateLimits.failuresToClose; n++)
        await gates.report('spotify', { kind: 'failed' });
      expect(gates.circuit('spotify')).toBe('open');
      advance(defaultGateLimits.closureMsMin);
      expect(gates.circuit('spotify')).toBe('half-open');
      expect(await gates.reserve('spotify', ask)).toEqual({ kind: 'slot', inMs: 0, probe: true });
      expect(await gates.reserve('spotify', ask)).toMatchObject({ kind: 'later', why: 'closed' });
      await gates.report('spotify', { kind: 'answered' });
      expect(gates.circuit('spotify')).toBe('closed');
    });

    it('decide at the moment of the question, not later', async () => {
      const { gates } = start();
      const asked = gates.reserve('spotify', ask);
      expect(gates.nextFreeInMs('spotify')).toBe(400);
      await asked;
    });
  });
}
