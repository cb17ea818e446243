import { stat } from 'node:fs/promises';
import { UserError } from './user-error.ts';

/**
 * A data folder that must be there already: asking creates nothing.
 *
 * @throws UserError
 */
export async function existingDataDir(dataDir: string): Promise<string> {
  const found = await stat(dataDir).catch(() => null);
  if (found?.isDirectory() === true) return dataDir;
  throw new UserError(
    `There is no data folder "${dataDir}": name it with --data-dir, or make it with \`run FILE\`.`,
  );
}
