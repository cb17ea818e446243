import { parentPort, workerData } from 'node:worker_threads';

/** What a thread does with each thing that it is given. Both are cloned from thread to thread. */
export type Work<Given, Result> = (given: Given) => Result | Promise<Result>;

/** What a thread says of it. */
export type Answer<Result> = { readonly result: Result } | { readonly error: unknown };

/** Does the work of this thread, one thing after the other. For a module that is started as a thread, and imported by none. */
export function serveThread<Setting, Given, Result>(make: (setting: Setting) => Work<Given, Result>): void {
  if (parentPort === null) throw new Error('This module is started as a thread only.');
  const port = parentPort;
  const work = make(workerData as Setting);
  const answer = async (given: Given): Promise<Answer<Result>> => {
    try {
      return { result: await work(given) };
    } catch (error) {
      return { error };
    }
  };
  let working: Promise<void> = Promise.resolve();
  port.on('message', (given: Given) => {
    working = working.then(async () => port.postMessage(await answer(given)));
  });
}

/** The module beside the one that asks, as it stands there: as TypeScript, or compiled. */
export function threadModule(name: string, importMetaUrl: string): URL {
  return new URL(`./${name}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl);
}
