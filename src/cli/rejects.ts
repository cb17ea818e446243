import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RejectedRow } from './input/input-row.ts';

/** The rows that could not be read, written beside the data so that they can be corrected and run again. */
export interface RejectsFile {
  readonly path: string;
  /** Writes one row down as a JSON line. Wait for it before the next: memory stays small and a full disk shows. */
  add(rejected: RejectedRow): Promise<void>;
  /** Closes the file. Its path, or null where there was nothing to write. */
  close(): Promise<string | null>;
}

const bufferCharsMax = 64 * 1024;
const nameCharsMax = 150;

/**
 * The rejects file of an input. It is made with its first row and replaces that of an earlier
 * run; a run without rejects takes the earlier one away.
 */
export function createRejectsFile(options: {
  readonly dataDir: string;
  /** The name or path of the input. */
  readonly inputName: string;
}): RejectsFile {
  const path = rejectsPath(options.dataDir, options.inputName);
  let file: FileHandle | null = null;
  let buffer = '';

  const flush = async () => {
    if (buffer === '') return;
    const text = buffer;
    buffer = '';
    try {
      file ??= await open(path, 'w', 0o600);
      await file.writeFile(text);
    } catch (error) {
      throw error instanceof Error && !('path' in error) ? Object.assign(error, { path }) : error;
    }
  };
  return {
    path,
    add: async ({ line, reason, raw }) => {
      buffer += `${JSON.stringify({ line, reason, raw })}\n`;
      // The first one is written at once: a folder that can't be written is known before hours of work.
      if (file === null || buffer.length > bufferCharsMax) await flush();
    },
    close: async () => {
      try {
        await flush();
        await file?.sync();
      } finally {
        await file?.close();
      }
      if (file === null) await rm(path, { force: true });
      return file === null ? null : path;
    },
  };
}

function rejectsPath(dataDir: string, inputName: string): string {
  return join(dataDir, `${basename(inputName).slice(0, nameCharsMax)}.rejects.jsonl`);
}
