import { type InputSource, openInputFile } from './input-source.ts';
import { spoolStdin } from './spool-stdin.ts';

/** The input of a run, as a file that can be read again. */
export interface OpenedInput {
  /** The file as named, or the spool of what was piped in. */
  readonly path: string;
  readonly source: InputSource;
  /** True: `path` is a spool in the data folder, and may go when the run is through. */
  readonly spooled: boolean;
}

/**
 * Opens what a user named as the input: a file, or `-` for standard input. What can be read only once, a named
 * pipe too, is spooled into the data folder first, so that a killed run can go on with it.
 *
 * @throws UserError, or the system's error, where it cannot be read
 */
export async function openInput(
  named: string,
  dataDir: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<OpenedInput> {
  if (named !== '-') {
    const source = await openInputFile(named);
    if (source.size !== null) return { path: named, source, spooled: false };
    return spooled((await spoolStdin(source.open(), dataDir, options)).path);
  }
  return spooled((await spoolStdin(process.stdin, dataDir, options)).path);
}

async function spooled(path: string): Promise<OpenedInput> {
  return { path, source: await openInputFile(path), spooled: true };
}
