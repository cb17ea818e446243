import fc from 'fast-check';
import { expect, it } from 'vitest';
import { explain } from '../../src/domain/explain.ts';
import { trackFields } from '../../src/domain/track-values.ts';
import { anyRules } from '../support/any-rules.ts';
import { newestEnriched, redecided } from '../support/redecided.ts';
import { anyStream, anyWorkersStream } from '../support/streams.ts';

it('every value has a recorded answer that gave it, and the decision that took it', () => {
  fc.assert(
    fc.property(anyStream, fc.option(anyRules), ({ events }, rules) => {
      const stream = rules === null ? events : redecided(events, rules);
      const enriched = newestEnriched(stream);
      for (const field of trackFields) {
        const { winner, decision } = explain(stream, field);
        expect(winner?.value ?? null).toEqual(enriched?.data.snapshot[field]?.value ?? null);
        expect(decision?.eventId ?? null).toBe(enriched?.id ?? null);
        if (winner === null) continue;
        const answer = stream.find(({ event }) => event.id === winner.eventId)?.event;
        if (answer?.type !== 'ApiCalled' && answer?.type !== 'CacheHit') throw new Error('It is no answer.');
        const outcome = answer.type === 'ApiCalled' ? answer.data.outcome : answer.data.answer;
        const values = outcome.kind === 'found' ? outcome.candidates.map((one) => one.values[field]) : [];
        expect(values).toContain(winner.value);
        expect(winner.origin?.kind).toBe(answer.type === 'ApiCalled' ? 'call' : answer.data.via);
        expect(winner.origin?.provider).toBe(winner.provider);
      }
    }),
  );
});

it('what workers decided holds by the present rules, with reasons; what lost was considered, and is not the winner', () => {
  fc.assert(
    fc.property(anyWorkersStream, ({ events }) => {
      for (const field of trackFields) {
        const { winner, losers, rejected, decision } = explain(events, field);
        if (winner !== null) {
          expect(winner.holds).toBe(true);
          expect(winner.reasons).not.toEqual([]);
        }
        for (const { eventId, revision } of losers) {
          expect(eventId).not.toBe(winner?.eventId);
          if (decision !== null) expect(revision).toBeLessThan(decision.revision);
        }
        for (const { reasons } of rejected) expect(reasons.length).toBeGreaterThan(0);
      }
    }),
  );
});

it('a field without a value says how each provider stands to it; before are the decisions at which it changed', () => {
  fc.assert(
    fc.property(anyStream, ({ events }) => {
      for (const field of trackFields) {
        const { providers, earlier, winner } = explain(events, field);
        expect(providers).toHaveLength(3);
        const values = [winner?.value ?? null, ...earlier.map(({ value }) => value)];
        for (const [at, value] of values.entries()) expect(value).not.toEqual(values[at + 1]);
      }
    }),
  );
});
