import { availableParallelism } from 'node:os';
import type { Work } from './thread.ts';
import { openThreads, type Threads } from './threads.ts';

export interface InThreads<Setting, Result> {
  /** Makes what is done with each page. */
  readonly make: (setting: Setting) => Work<Result>;
  /** A structured clone of it goes to each thread. */
  readonly setting: Setting;
  /** The module in which a thread serves the same `make`. */
  readonly module: URL;
  /** No thread is started before so many bytes have come. */
  readonly bytesHere?: number;
}

/** To start threads takes as long as so many bytes do, so the first ones are done here. */
const bytesHereDefault = 1 << 22;
/** Each takes memory of its own, and two keep a database busy. */
const threadsMax = 2;
/** Pages that a thread has in hand or before it. */
const pagesPerThread = 2;

/**
 * What the work makes of each page, whose memory is its own, in the order of the pages, made by as many threads as there
 * are processors, up to two. At most so many pages are under way that each thread has one before it.
 */
export async function* mapInThreads<Setting, Result>(
  pages: AsyncIterable<Uint8Array>,
  { make, setting, module, bytesHere = bytesHereDefault }: InThreads<Setting, Result>,
): AsyncGenerator<Result> {
  const here = make(setting);
  const count = Math.min(threadsMax, availableParallelism());
  const underWay: Promise<Result>[] = [];
  let threads: Threads<Result> | null = null;
  let bytes = 0;
  try {
    for await (const page of pages) {
      bytes += page.length;
      if (bytes <= bytesHere) {
        yield here(page);
        continue;
      }
      threads ??= openThreads<Result>(module, setting, count);
      underWay.push(threads.run(page));
      const first = underWay.length < count * pagesPerThread ? undefined : underWay.shift();
      if (first !== undefined) yield await first;
    }
    for (const one of underWay) yield await one;
  } finally {
    await threads?.close();
  }
}
