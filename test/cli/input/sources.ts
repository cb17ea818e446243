import type { InputRow, RejectedRow } from '../../../src/cli/input/input-row.ts';
import type { InputSource } from '../../../src/cli/input/input-source.ts';
import { readRows } from '../../../src/cli/input/read-rows.ts';

/** An input in memory, handed out in chunks of the given sizes, over and over. */
export function sourceOf(
  content: string | Uint8Array,
  options: { readonly name?: string; readonly chunkBytes?: readonly number[] } = {},
): InputSource {
  const { name = 'tracks.csv', chunkBytes = [64 * 1024] } = options;
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  return {
    name,
    size: bytes.length,
    open: async function* () {
      let at = 0;
      for (let n = 0; at < bytes.length; n++) {
        const size = chunkBytes[n % chunkBytes.length] ?? 1;
        yield bytes.subarray(at, at + size);
        at += size;
      }
    },
  };
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function rowsOf(
  content: string | Uint8Array,
  options: { readonly name?: string; readonly chunkBytes?: readonly number[] } = {},
): Promise<{ readonly rows: readonly InputRow[]; readonly rejected: readonly RejectedRow[] }> {
  const all = await collect(readRows(sourceOf(content, options)));
  return {
    rows: all.filter((one) => one.kind === 'row'),
    rejected: all.filter((one) => one.kind === 'rejected'),
  };
}
