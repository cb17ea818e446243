/** The PostgreSQL of a data folder cannot be had; the message is one sentence on why and what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

/** What a failed file operation in the data folder means for the person who chose it. */
export function folderError(dataDir: string, cause: unknown): EmbeddedPostgresError {
  if (cause instanceof EmbeddedPostgresError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(dataDir, cause);
  return new EmbeddedPostgresError(
    `The data folder ${dataDir} cannot be used (${message}): change its permissions, or name another with --data-dir.`,
    { cause },
  );
}

export function diskFull(dataDir: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The disk of the data folder ${dataDir} is full: free some space, or name another with --data-dir.`,
    { cause },
  );
}
