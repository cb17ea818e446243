import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultGateLimits, type GateLimits } from '../../src/domain/gate-limits.ts';
import { dayMs, type GateState, type KnownGate, newGate, recall } from '../../src/domain/gate-state.ts';
import type { Lane } from '../../src/domain/priority.ts';
import {
  admit,
  backlogSlotEvery,
  circuitState,
  type GateReport,
  mayEnter,
  open,
  report,
  shut,
} from '../../src/domain/provider-gate.ts';

const limitsAt = (ratePerSecond: number): GateLimits => ({ ...defaultGateLimits, ratePerSecond });
const limits = limitsAt(5);
const intervalMs = 200;
const failed: GateReport = { kind: 'failed' };

const step = fc.record({
  afterMs: fc.nat(2000),
  act: fc.oneof(
    fc.record({ lane: fc.constantFrom<Lane>('real-time', 'backlog'), patienceMs: fc.nat(3000) }),
    fc.constantFrom<GateReport>({ kind: 'answered' }, failed, { kind: 'neutral' }),
    fc.nat(10_000).map((retryAfterMs): GateReport => ({ kind: 'throttled', retryAfterMs })),
  ),
});

describe('the gate of a provider', () => {
  it('hands out slots that are never closer than the interval, within the patience, and "later" is always later', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let state = newGate(limits, 0);
        let nowMs = 0;
        let lastMs = 0;
        for (const { afterMs, act } of steps) {
          nowMs += afterMs;
          if ('kind' in act) {
            state = report(state, limits, act, nowMs);
            continue;
          }
          const [next, admission] = admit(state, limits, { ...act, nowMs });
          if (admission.kind === 'later') {
            expect(next).toEqual({ ...state, asOfMs: nowMs });
            expect(admission.atMs).toBeGreaterThan(nowMs);
          } else {
            expect(admission.atMs).toBeGreaterThanOrEqual(Math.max(nowMs, lastMs + intervalMs));
            expect(admission.atMs - nowMs).toBeLessThanOrEqual(act.patienceMs);
            expect(nowMs).toBeGreaterThanOrEqual(state.closedUntilMs);
            lastMs = admission.atMs;
          }
          state = next;
        }
      }),
    );
  });

  /** Callers that always come back when they are told to, for a while; how many slots each lane got. */
  function saturate(callers: Readonly<Record<Lane, number>>, forMs: number): Record<Lane, number> {
    // As in the configuration: a follow-up waits longer than a request.
    const patienceMs = { 'real-time': 2000, backlog: 30_000 };
    const got: Record<Lane, number> = { 'real-time': 0, backlog: 0 };
    const waiting = (['real-time', 'backlog'] as const).flatMap((lane) =>
      Array.from({ length: callers[lane] }, () => ({ lane, atMs: 0 })),
    );
    let state = newGate(limits, 0);
    for (let nowMs = 0; nowMs < forMs; nowMs += 10) {
      for (const caller of waiting) {
        if (caller.atMs > nowMs) continue;
        const [next, admission] = admit(state, limits, {
          lane: caller.lane,
          patienceMs: patienceMs[caller.lane],
          nowMs,
        });
        state = next;
        caller.atMs = Math.max(admission.atMs, nowMs + 1);
        if (admission.kind === 'slot') got[caller.lane] += 1;
      }
    }
    return got;
  }

  it('gives the backlog at least its share while real-time work takes all it can, and no more than twice that', () => {
    const forMs = 120_000;
    const got = saturate({ 'real-time': 30, backlog: 10 }, forMs);
    const all = got['real-time'] + got.backlog;
    expect(all).toBeGreaterThanOrEqual(forMs / intervalMs - 1);
    expect(got.backlog / all).toBeGreaterThanOrEqual((1 / backlogSlotEvery) * 0.95);
    expect(got.backlog / all).toBeLessThanOrEqual(2 / backlogSlotEvery);
  });

  it('gives the backlog every slot while it is alone', () => {
    const forMs = 60_000;
    const got = saturate({ 'real-time': 0, backlog: 10 }, forMs);
    expect(got.backlog).toBeGreaterThanOrEqual((forMs / intervalMs) * 0.9);
  });

  it('closes after so many failures in a row, each time twice as long up to the longest, with one probe at each end', () => {
    let state = newGate(limits, 0);
    let nowMs = 1000;
    const ask = { lane: 'real-time', patienceMs: 2000 } as const;
    for (let n = 1; n < limits.failuresToClose; n++) state = report(state, limits, failed, nowMs);
    expect(circuitState(state, limits, nowMs)).toBe('closed');
    state = report(state, limits, failed, nowMs);
    for (let closure = 0; closure < 12; closure++) {
      const closureMs = Math.min(limits.closureMsMin * 2 ** closure, limits.closureMsMax);
      expect(state.closedUntilMs - nowMs).toBe(closureMs);
      expect(circuitState(state, limits, nowMs)).toBe('open');
      expect(mayEnter(state, false, nowMs)).toBe(false);
      expect(admit(state, limits, { ...ask, nowMs })[1]).toMatchObject({ kind: 'later', why: 'closed' });
      nowMs += closureMs;
      expect(circuitState(state, limits, nowMs)).toBe('half-open');
      const [probing, first] = admit(state, limits, { ...ask, nowMs });
      expect(first).toMatchObject({ kind: 'slot', probe: true });
      expect(mayEnter(probing, true, nowMs)).toBe(true);
      expect(mayEnter(probing, false, nowMs)).toBe(false);
      expect(admit(probing, limits, { ...ask, nowMs })[1]).toMatchObject({ kind: 'later', why: 'closed' });
      state = report(probing, limits, failed, nowMs);
    }
    nowMs = state.closedUntilMs;
    const [probing] = admit(state, limits, { ...ask, nowMs });
    state = report(probing, limits, { kind: 'answered' }, nowMs);
    expect(circuitState(state, limits, nowMs)).toBe('closed');
    expect(admit(state, limits, { ...ask, nowMs })[1]).toMatchObject({ kind: 'slot', probe: false });
  });

  it('takes failures of calls that were under way when it closed for nothing new', () => {
    let state = newGate(limits, 0);
    for (let n = 0; n < 50; n++) state = report(state, limits, failed, 1000 + n);
    expect(state.closures).toBe(1);
  });

  it('never forgets the longest time that it was told to stay away', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { minLength: 1 }), (waits) => {
        let state = newGate(limits, 0);
        for (const retryAfterMs of waits)
          state = report(state, limits, { kind: 'throttled', retryAfterMs }, 0);
        expect(state.closedUntilMs).toBe(Math.max(...waits));
      }),
    );
  });

  it('lets a caller that comes back when told to through in the end, whatever happened before', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom<Lane>('real-time', 'backlog'),
        (steps, lane) => {
          let state = newGate(limits, 0);
          let nowMs = 0;
          for (const { afterMs, act } of steps) {
            nowMs += afterMs;
            state =
              'kind' in act ? report(state, limits, act, nowMs) : admit(state, limits, { ...act, nowMs })[0];
          }
          for (let asks = 0; asks < 60; asks++) {
            const [next, admission] = admit(state, limits, { lane, patienceMs: 2000, nowMs });
            if (admission.kind === 'slot') return;
            state = next;
            nowMs = admission.atMs;
          }
          expect.fail('It was put off sixty times.');
        },
      ),
    );
  });

  it('has no rate where the rate is lifted', () => {
    const unlimited = limitsAt(Number.POSITIVE_INFINITY);
    let state = newGate(unlimited, 0);
    for (const lane of ['real-time', 'backlog', 'backlog', 'real-time'] as const) {
      const [next, admission] = admit(state, unlimited, { lane, patienceMs: 0, nowMs: 0 });
      expect(admission).toEqual({ kind: 'slot', atMs: 0, probe: false });
      state = next;
    }
  });

  it('a clock that is set back makes nobody wait for the time between: slots and closures move with it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 1e9 }), (steps, backMs) => {
        let state = newGate(limits, 2e9);
        let nowMs = 2e9;
        for (const { afterMs, act } of steps) {
          nowMs += afterMs;
          state =
            'kind' in act ? report(state, limits, act, nowMs) : admit(state, limits, { ...act, nowMs })[0];
        }
        state = report(state, limits, { kind: 'neutral' }, nowMs);
        const ask = { lane: 'real-time', patienceMs: 3000 } as const;
        const [, expected] = admit(state, limits, { ...ask, nowMs });
        const [, found] = admit(state, limits, { ...ask, nowMs: nowMs - backMs });
        expect({ ...found, atMs: found.atMs + backMs }).toEqual(expected);
      }),
    );
  });

  it('who says that it may be late gets a longer slot', () => {
    const [state, first] = admit(newGate(limits, 0), limits, { ...asking, nowMs: 1000, lateMs: 70 });
    const [, second] = admit(state, limits, { ...asking, nowMs: 1000 });
    expect(second.atMs - first.atMs).toBe(intervalMs + 70);
  });

  it('an operator closes it, for no less than anybody else does, and opens it whatever closed it', () => {
    let state = report(newGate(limits, 0), limits, { kind: 'throttled', retryAfterMs: 60_000 }, 1000);
    expect(shut(state, 1000, 'by me', 1000)).toMatchObject({ closedUntilMs: 61_000, closedBy: 'provider' });
    state = shut(state, 100_000, 'by me', 1000);
    expect(state).toMatchObject({ closedUntilMs: 101_000, closedBy: 'by me' });
    for (let n = 0; n < 9; n++) state = report(state, limits, failed, 200_000);
    state = open(state, 200_001);
    expect(circuitState(state, limits, 200_001)).toBe('closed');
    expect(admit(state, limits, { ...asking, nowMs: 200_001 })[1].kind).toBe('slot');
  });

  const asking = { lane: 'real-time', patienceMs: 2000 } as const;

  describe('with a budget of calls a day', () => {
    const budget: GateLimits = { ...limits, callsPerDay: 10 };

    /** Asks as often as it can from then on, until it is told to come another day. */
    function spendAll(state: GateState, lane: Lane, fromMs: number) {
      let after = state;
      let slots = 0;
      for (let nowMs = fromMs; ; ) {
        const [next, admission] = admit(after, budget, { lane, patienceMs: 0, nowMs });
        after = next;
        if (admission.kind === 'slot') slots += 1;
        else if (admission.why === 'closed') return { state: after, slots, untilMs: admission.atMs };
        nowMs = Math.max(nowMs + 1, admission.atMs);
      }
    }

    it('gives no more than it, and all of it again on the next day', () => {
      const noonMs = 20_000 * dayMs + dayMs / 2;
      let { state, slots, untilMs } = spendAll(newGate(budget, noonMs), 'real-time', noonMs);
      expect({ slots, untilMs }).toEqual({ slots: 10, untilMs: 20_001 * dayMs });
      expect(circuitState(state, budget, noonMs + 60_000)).toBe('open');
      ({ state, slots, untilMs } = spendAll(state, 'real-time', untilMs));
      expect({ slots, untilMs }).toEqual({ slots: 10, untilMs: 20_002 * dayMs });
    });

    it('leaves a fifth of it to real-time work: the backlog spends the rest at most', () => {
      const nowMs = 20_000 * dayMs;
      const backlog = spendAll(newGate(budget, nowMs), 'backlog', nowMs);
      expect(backlog.slots).toBe(8);
      expect(circuitState(backlog.state, budget, nowMs + 60_000)).toBe('closed');
      expect(spendAll(backlog.state, 'real-time', nowMs + 60_000).slots).toBe(2);
      const realTime = spendAll(newGate(budget, nowMs), 'real-time', nowMs);
      expect(spendAll(realTime.state, 'backlog', nowMs + 60_000).slots).toBe(0);
    });

    it('a clock that is set back over midnight and forward again brings no second budget of the same day', () => {
      const nowMs = 20_000 * dayMs;
      const { state } = spendAll(newGate(budget, nowMs), 'real-time', nowMs);
      expect(spendAll(state, 'real-time', nowMs - 5000)).toMatchObject({ slots: 0, untilMs: nowMs });
    });
  });

  describe('that lost its memory is filled in by who knew it before', () => {
    const known: KnownGate = {
      bornAtMs: 0,
      closedForMs: 60_000,
      closedBy: 'provider',
      closures: 2,
      day: 0,
      spent: 7,
      agoMs: 500,
    };
    const fresh = newGate(limits, 5000);

    it('with its closures and what was spent today, whoever asks first', () => {
      const [first] = admit(fresh, limits, { ...asking, nowMs: 5000 });
      for (const state of [recall(fresh, known, 5000), recall(first, known, 5000)]) {
        expect(state).toMatchObject({
          closedUntilMs: 65_000,
          closedBy: 'provider',
          closures: 2,
          spentBefore: 7,
        });
      }
    });

    it('but not with what is older than an operator who opened it, nor with anything of its own life', () => {
      const opened = open(fresh, 4800 + 5000);
      expect(recall(opened, known, 10_000)).toMatchObject({ closedUntilMs: 0, closures: 0, spentBefore: 7 });
      expect(recall(opened, { ...known, agoMs: 100 }, 10_000).closedUntilMs).toBe(70_000);
      expect(recall(fresh, { ...known, bornAtMs: 5000 }, 5000)).toMatchObject({
        closedUntilMs: 0,
        spentBefore: 0,
      });
    });

    it('with what was spent on another day not at all', () => {
      expect(recall(newGate(limits, 3 * dayMs), known, 3 * dayMs).spentBefore).toBe(0);
    });
  });
});
