import { parseArgs } from 'node:util';

export const parts = ['postgres', 'eventstoredb', 'live', 'swap', 'emmett'] as const;
export type Part = (typeof parts)[number];

const { values } = parseArgs({
  options: {
    tracks: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    /** Rounds of the size of `--tracks` are followed by one of so many times that size. */
    times: { type: 'string', default: '3' },
    /** Where the ledger of the first part is kept for another time. */
    data: { type: 'string' },
    only: { type: 'string' },
  },
});

export const flags = {
  tracks: Number(values.tracks),
  rounds: Number(values.rounds),
  times: Number(values.times),
  data: values.data ?? null,
};

export function isWanted(part: Part): boolean {
  return values.only === undefined || values.only.split(',').includes(part);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
