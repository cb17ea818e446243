import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Which repetition of its input a run is. It decides the task ids, so it has to outlive a kill. */
export interface Repetition {
  /** 0 for the first; `--again` counts up. */
  readonly number: number;
  /** The run is through: the next `--again` is a new one. */
  finish(): Promise<void>;
}

interface Kept {
  readonly number: number;
  readonly open: boolean;
}

/** With `again`, goes on with a repetition that was cut off, or begins the next one. */
export async function beginRepetition(
  dataDir: string,
  inputName: string,
  again: boolean,
): Promise<Repetition> {
  if (!again) return { number: 0, finish: async () => undefined };
  const folder = join(dataDir, 'runs');
  const name = createHash('sha256').update(inputName).digest('hex').slice(0, 16);
  const file = join(folder, `${name}.json`);
  const kept = await read(file);
  const number = kept.open ? kept.number : kept.number + 1;
  await mkdir(folder, { recursive: true });
  const write = async (open: boolean) => {
    await writeFile(`${file}.new`, JSON.stringify({ number, open } satisfies Kept));
    await rename(`${file}.new`, file);
  };
  await write(true);
  return { number, finish: () => write(false) };
}

async function read(file: string): Promise<Kept> {
  try {
    const { number, open } = JSON.parse(await readFile(file, 'utf8')) as Partial<Kept>;
    if (Number.isSafeInteger(number)) return { number: Number(number), open: open === true };
  } catch (error) {
    if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return { number: 0, open: false };
}
