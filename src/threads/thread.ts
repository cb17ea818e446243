import { parentPort, workerData } from 'node:worker_threads';

/** What is made of a page of bytes, to be cloned from thread to thread. */
export type Work<Result> = (page: Uint8Array) => Result;

/** What a thread says of a page. */
export type Answer<Result> = { readonly result: Result } | { readonly error: unknown };

/** Does the work of this thread, page after page. For a module that is started as a thread, and imported by none. */
export function serveThread<Setting, Result>(make: (setting: Setting) => Work<Result>): void {
  if (parentPort === null) throw new Error('This module is started as a thread only.');
  const port = parentPort;
  const work = make(workerData as Setting);
  const answer = (page: Uint8Array): Answer<Result> => {
    try {
      return { result: work(page) };
    } catch (error) {
      return { error };
    }
  };
  port.on('message', (page: Uint8Array) => port.postMessage(answer(page)));
}

/** The module beside the one that asks, as it stands there: as TypeScript, or compiled. */
export function threadModule(name: string, importMetaUrl: string): URL {
  return new URL(`./${name}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl);
}
