import { expect, it } from 'vitest';
import type { Outcome } from '../../src/domain/answer.ts';
import type { GateReport } from '../../src/domain/provider-gate.ts';
import { gateReportOf } from '../../src/providers/gate-report.ts';

const unavailable = (
  reason: Extract<Outcome, { kind: 'unavailable' }>['reason'],
  retryAfterMs: number | null = null,
): Outcome => ({ kind: 'unavailable', reason, retryAfterMs, message: 'm' });

it.each<[string, Outcome, GateReport]>([
  ['an answer', { kind: 'found', candidates: [], bodyHash: '' }, { kind: 'answered' }],
  ['no result', { kind: 'missing', reason: 'no-result', bodyHash: '' }, { kind: 'answered' }],
  ['a mistake of ours', { kind: 'misused', message: 'm' }, { kind: 'answered' }],
  ['refused keys', { kind: 'unauthorised', message: 'm' }, { kind: 'answered' }],
  [
    'a spent rate',
    { kind: 'throttled', scope: 'rate', retryAfterMs: 5, message: 'm' },
    { kind: 'throttled', retryAfterMs: 5 },
  ],
  ['shed load', unavailable('overloaded'), { kind: 'neutral' }],
  ['a token that ran out', unavailable('token-expired'), { kind: 'neutral' }],
  ['a timeout', unavailable('timeout'), { kind: 'failed' }],
  ['a lost connection', unavailable('connection'), { kind: 'failed' }],
  ['a broken body', unavailable('broken-body'), { kind: 'failed' }],
  ['a server error', unavailable('server-error'), { kind: 'failed' }],
  [
    'a server error that names a time',
    unavailable('server-error', 9),
    { kind: 'throttled', retryAfterMs: 9 },
  ],
])('%s is told to the gate as what it says of the provider', (_says, outcome, said) => {
  expect(gateReportOf(outcome)).toEqual(said);
});
