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
  /** Told of each page that was worked on. */
  readonly done?: (page: Uint8Array) => void;
  /** At most so many threads; left out: two. Each takes memory of its own, and two keep a database busy. */
  readonly threadsMax?: number;
  /** No thread is started before so many bytes have come. */
  readonly bytesHere?: number;
}

/** To start threads takes as long as so many bytes do, so the first ones are done here. */
const bytesHereDefault = 1 << 22;
const threadsMaxDefault = 2;
/** Pages that a thread has in hand or before it. */
const pagesPerThread = 2;

/**
 * What the work makes of each page, whose memory is its own, in the order of the pages, made by as many threads as there
 * are processors, up to two. At most so many pages are under way that each thread has one before it.
 */
export async function* mapInThreads<Setting, Result>(
  pages: AsyncIterable<Uint8Array>,
  how: InThreads<Setting, Result>,
): AsyncGenerator<Result> {
  const { make, setting, module, done = () => undefined } = how;
  const { threadsMax = threadsMaxDefault, bytesHere = bytesHereDefault } = how;
  const here = make(setting);
  const count = Math.min(threadsMax, availableParallelism());
  const underWay: Promise<Result>[] = [];
  let threads: Threads<Result> | null = null;
  let bytes = 0;
  try {
    for await (const page of pages) {
      bytes += page.length;
      if (bytes <= bytesHere) {
        const result = here(page);
        done(page);
        yield result;
        continue;
      }
      threads ??= openThreads<Result>(module, setting, count, done);
      underWay.push(threads.run(page));
      const first = underWay.length < count * pagesPerThread ? undefined : underWay.shift();
      if (first !== undefined) yield await first;
    }
    for (const one of underWay) yield await one;
  } finally {
    await threads?.close();
  }
}
