import { threadId } from 'node:worker_threads';

export interface Counted {
  readonly sum: number;
  readonly threadId: number;
}

/** Adds up the bytes of a page; a page that begins with the byte of the setting cannot be taken. */
export function createCounter(poison: number): (page: Uint8Array) => Counted {
  return (page) => {
    if (page[0] === poison) throw new Error('This page is poison.');
    // The longer, the later: so threads come to an end in another order than they began.
    const until = performance.now() + page.length / 10;
    while (performance.now() < until);
    return { sum: page.reduce((sum, one) => sum + one, 0), threadId };
  };
}
