import { expect, it } from 'vitest';
import { createPageMemory } from '../../src/threads/page-memory.ts';

it('what was given is taken again where it is large enough', () => {
  const memory = createPageMemory();
  const page = memory.take(100);
  memory.give(page.subarray(0, 7));
  expect(memory.take(101).buffer).not.toBe(page.buffer);
  expect(memory.take(100).buffer).toBe(page.buffer);
  expect(memory.take(100).buffer).not.toBe(page.buffer);
});

it('neither what is very large nor very many are kept', () => {
  const memory = createPageMemory();
  const large = memory.take(100_000_000);
  memory.give(large);
  expect(memory.take(10).buffer).not.toBe(large.buffer);
  const pages = Array.from({ length: 50 }, () => memory.take(10));
  for (const page of pages) memory.give(page);
  const again = Array.from({ length: 50 }, () => memory.take(10).buffer);
  expect(pages.filter(({ buffer }) => again.includes(buffer)).length).toBeLessThan(10);
});
