import { Worker } from 'node:worker_threads';
import type { Answer } from './thread.ts';

export interface Threads<Result> {
  /** Has a thread work on the page, after those that it was given before. It is away until `done` has it back. */
  run(page: Uint8Array): Promise<Result>;
  /** Ends the threads, whatever they are at. */
  close(): Promise<void>;
}

interface Waiting<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts threads that all run one module, which calls `serveThread`. A thread that ends fails what it had to do. */
export function openThreads<Result>(
  module: URL,
  setting: unknown,
  count: number,
  done: (page: Uint8Array) => void,
): Threads<Result> {
  const threads = Array.from({ length: count }, () => openThread<Result>(module, setting, done));
  return {
    run(page) {
      const idlest = threads.reduce((one, other) =>
        other.waiting.length < one.waiting.length ? other : one,
      );
      return idlest.run(page);
    },
    close: async () => void (await Promise.all(threads.map(({ worker }) => worker.terminate()))),
  };
}

function openThread<Result>(module: URL, setting: unknown, done: (page: Uint8Array) => void) {
  const waiting: Waiting<Result>[] = [];
  const worker = workerOf(module, setting);
  let failure: Error | null = null;
  const fail = (error: Error) => {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  worker
    .on('message', (answer: Answer<Result>) => {
      const first = waiting.shift();
      done(answer.page);
      if ('result' in answer) first?.resolve(answer.result);
      else first?.reject(answer.error);
    })
    .on('error', (error) => fail(error as Error))
    .on('exit', (code) => fail(new Error(`A thread of ${module.pathname} ended with ${code}.`)));
  return {
    worker,
    waiting,
    run(page: Uint8Array): Promise<Result> {
      const done = new Promise<Result>((resolve, reject) => {
        if (failure !== null) reject(failure);
        else waiting.push({ resolve, reject });
      });
      // It may fail while those before it are still waited for.
      done.catch(() => undefined);
      worker.postMessage(page, [page.buffer as ArrayBuffer]);
      return done;
    },
  };
}

/** Compiled, it is what it is; TypeScript goes through tsx, in whatever way this process came to run it. */
function workerOf(module: URL, setting: unknown): Worker {
  if (!module.pathname.endsWith('.ts')) return new Worker(module, { workerData: setting });
  const begin = new URL('./typescript-thread.mjs', import.meta.url);
  return new Worker(begin, { argv: [module.href], execArgv: [], workerData: setting });
}
