import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapInThreads } from '../../src/threads/ordered-map.ts';
import { threadModule } from '../../src/threads/thread.ts';
import { type Counted, createCounter } from './counting.ts';

const noPoison = -1;
const bytesHere = 60;
const module = threadModule('counting-thread', import.meta.url);

function counted(pages: AsyncIterable<Uint8Array>, poison = noPoison): AsyncGenerator<Counted> {
  return mapInThreads(pages, { make: createCounter, setting: poison, module, bytesHere });
}

/** Pages, and how many of them were asked for. */
function pagesOf(all: readonly Uint8Array[]) {
  const asked = { pages: 0 };
  async function* pages() {
    for (const page of all) {
      asked.pages += 1;
      yield page;
      await turn();
    }
  }
  return { pages: pages(), asked };
}

describe('work on pages, in threads,', () => {
  it('comes to the same as without them, in the same order, whatever page takes longest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 40 }), async (all) => {
        const here = createCounter(noPoison);
        const expected = all.map((page) => here(page).sum);
        const sums: number[] = [];
        for await (const { sum } of counted(pagesOf(all).pages)) sums.push(sum);
        expect(sums).toEqual(expected);
      }),
      { numRuns: 5 },
    );
  });

  it('is begun here and goes on elsewhere', async () => {
    const threads: number[] = [];
    const all = Array.from({ length: 30 }, () => new Uint8Array(20));
    for await (const { threadId } of counted(pagesOf(all).pages)) threads.push(threadId);
    expect(threads[0]).toBe(threads[2]);
    expect(threads[3]).not.toBe(threads[0]);
  });

  it('is asked for only as fast as it is taken, and no thread is left when somebody has seen enough', async () => {
    const { pages, asked } = pagesOf(Array.from({ length: 1000 }, () => new Uint8Array(10)));
    let taken = 0;
    for await (const _ of counted(pages)) {
      taken += 1;
      expect(asked.pages - taken).toBeLessThanOrEqual(8);
      if (taken === 50) break;
    }
    // A thread that was left would keep this process from ending, and the test with it.
    expect(asked.pages).toBeLessThan(60);
  });

  it.each([1, 10])('fails with what it fails with, at page %d', async (at) => {
    const all = Array.from({ length: 20 }, (_, n) => new Uint8Array(5).fill(n === at ? 7 : 0));
    let taken = 0;
    const failing = (async () => {
      for await (const _ of counted(pagesOf(all).pages, 7)) taken += 1;
    })();
    await expect(failing).rejects.toThrow('This page is poison.');
    expect(taken).toBe(at);
  });

  it('fails with what the pages fail with', async () => {
    async function* pages() {
      for (let n = 0; n < 6; n++) yield new Uint8Array(5);
      throw new Error('no more pages');
    }
    const failing = (async () => {
      for await (const _ of counted(pages())) await turn();
    })();
    await expect(failing).rejects.toThrow('no more pages');
  });
});
