import { parentPort, workerData } from 'node:worker_threads';

/** What is made of a page of bytes, to be cloned from thread to thread. */
export type Work<Result> = (page: Uint8Array) => Result;

/** What a thread says of a page, which it gives back. */
export type Answer<Result> = { readonly page: Uint8Array } & (
  | { readonly result: Result }
  | { readonly error: unknown }
);

/**
 * Does the work of this thread, page after page. For a module that is started as a thread, and imported by none.
 *
 * @param handedOver what of a result is handed over instead of copied; each has memory of its own
 */
export function serveThread<Setting, Result>(
  make: (setting: Setting) => Work<Result>,
  handedOver: (result: Result) => readonly Uint8Array[] = () => [],
): void {
  if (parentPort === null) throw new Error('This module is started as a thread only.');
  const port = parentPort;
  const work = make(workerData as Setting);
  const memoryOf = ({ buffer }: Uint8Array) => buffer as ArrayBuffer;
  const answer = (said: Answer<Result>, also: readonly Uint8Array[]) =>
    port.postMessage(said, [said.page, ...also].map(memoryOf));
  port.on('message', (page: Uint8Array) => {
    try {
      const result = work(page);
      answer({ page, result }, handedOver(result));
    } catch (error) {
      answer({ page, error }, []);
    }
  });
}

/** The module beside the one that asks, as it stands there: as TypeScript, or compiled. */
export function threadModule(name: string, importMetaUrl: string): URL {
  return new URL(`./${name}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl);
}
