import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseRules } from '../../src/cli/rules-file.ts';
import { defaultRules } from '../../src/domain/rules.ts';

const rules = (settings: unknown) => parseRules(JSON.stringify(settings), 'rules.json');

it('what a file leaves out is as workers have it', () => {
  expect(rules({})).toEqual(defaultRules);
  expect(rules({ matching: {}, merging: { trustByField: {} } })).toEqual(defaultRules);
  expect(rules({ matching: { confidence: { sameNames: 0.5 } } }).matching).toEqual({
    ...defaultRules.matching,
    confidence: { ...defaultRules.matching.confidence, sameNames: 0.5 },
  });
  expect(rules({ merging: { trustByField: { genre: [] } } }).merging.trustByField).toEqual({
    ...defaultRules.merging.trustByField,
    genre: [],
  });
});

it('rules written out whole are read as they are', () => {
  expect(rules(defaultRules)).toEqual(defaultRules);
});

it('the example file is one', () => {
  const text = readFileSync(new URL('../../examples/rules.json', import.meta.url), 'utf8');
  expect(parseRules(text, 'rules.json')).not.toEqual(defaultRules);
});

it.each([
  [{ matchng: {} }, /matchng/],
  [{ matching: { confidenceMin: 2 } }, /matching\.confidenceMin: /],
  [{ matching: { confidence: { sameIsrc: 'very' } } }, /matching\.confidence\.sameIsrc: /],
  [
    { matching: { durationToleranceMs: 1.5, isrcIsEnough: 1 } },
    /durationToleranceMs.*; .*isrcIsEnough|isrcIsEnough.*; .*durationToleranceMs/,
  ],
  [{ merging: { trust: ['spotify', 'spotify'] } }, /merging\.trust: names a provider twice/],
  [{ merging: { trust: ['discogs'] } }, /merging\.trust\.0: /],
  [{ merging: { trustByField: { colour: [] } } }, /colour/],
  [[], /the whole: /],
])('%j is refused, each fault with its place', (settings, fault) => {
  expect(() => rules(settings)).toThrow(fault);
  expect(() => rules(settings)).toThrow(/^rules\.json holds no rules: .*\.$/);
});

it('what is no JSON is said to be none', () => {
  expect(() => parseRules('{', 'rules.json')).toThrow(/rules\.json is no JSON/);
});
