import { expect, it } from 'vitest';
import { momentOf } from '../../src/cli/moment.ts';

it.each([
  ['7', { revision: 7 }],
  ['2026-01-31', { time: '2026-01-31T00:00:00.000Z' }],
  ['2026-01-31T12:00', { time: '2026-01-31T12:00:00.000Z' }],
  ['2026-01-31 12:00:00.123', { time: '2026-01-31T12:00:00.123Z' }],
  ['2026-01-31T12:00:00+02:00', { time: '2026-01-31T10:00:00.000Z' }],
])('%s is a moment, in UTC where it does not say otherwise', (text, moment) => {
  expect(momentOf(text)).toEqual(moment);
});

it.each(['', '-1', 'yesterday', '2026-13-01', '1.5'])('"%s" is none', (text) => {
  expect(() => momentOf(text)).toThrow(/revision such as/);
});
