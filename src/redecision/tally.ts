import type { Provider } from '../domain/provider.ts';
import type { Redecision } from '../domain/redecide.ts';
import type { TrackField } from '../domain/track-values.ts';
import type { ChangeReason, ValueChange } from '../domain/value-changes.ts';

/** Changes of one field, from one provider to another, for one reason. */
export interface ChangeKind {
  readonly field: TrackField;
  /** Null: there was no value. */
  readonly before: Provider | null;
  /** Null: there is none any more. */
  readonly after: Provider | null;
  readonly reason: ChangeReason;
  /** How many tracks. */
  readonly count: number;
  /** Of how many of them the value itself is another, and not only where it is from. */
  readonly otherValues: number;
  readonly example: ChangeExample;
}

export interface ChangeExample {
  readonly trackId: string;
  readonly artist: string;
  readonly title: string;
  readonly change: ValueChange;
}

/** Counts changes by their kind; of each kind the most telling one is kept. What it holds does not grow with the tracks. */
export interface Tally {
  add(trackId: string, redecision: Redecision): void;
  /** The most frequent first. */
  kinds(): readonly ChangeKind[];
  /**
   * One example of each kind, at most so many: first those whose confidence changes most, where a value that comes or goes
   * counts with all of its confidence; among equals the most frequent kinds. The order depends on nothing else.
   */
  examples(max: number): readonly ChangeExample[];
}

export function createTally(): Tally {
  const kinds = new Map<string, ChangeKind>();
  const sorted = (order: (one: ChangeKind, other: ChangeKind) => number) =>
    [...kinds.entries()]
      .toSorted(([key, one], [otherKey, other]) => order(one, other) || (key < otherKey ? -1 : 1))
      .map(([, kind]) => kind);
  return {
    add(trackId, { basis, changes }) {
      const { artist, title } = basis.request;
      for (const change of changes) {
        const { field, reason } = change;
        const [before, after] = [change.before?.provider ?? null, change.after?.provider ?? null];
        const key = [field, before, after, reason].join(' ');
        const known = kinds.get(key);
        const example = { trackId, artist, title, change };
        const isOther = change.before?.value !== change.after?.value;
        kinds.set(key, {
          field,
          before,
          after,
          reason,
          count: (known?.count ?? 0) + 1,
          otherValues: (known?.otherValues ?? 0) + (isOther ? 1 : 0),
          example: known === undefined || isMoreTelling(example, known.example) ? example : known.example,
        });
      }
    },
    kinds: () => sorted((one, other) => other.count - one.count),
    examples: (max) =>
      sorted((one, other) => gapOf(other.example) - gapOf(one.example) || other.count - one.count)
        .slice(0, max)
        .map(({ example }) => example),
  };
}

function isMoreTelling(one: ChangeExample, other: ChangeExample): boolean {
  const difference = gapOf(one) - gapOf(other);
  return difference > 0 || (difference === 0 && one.trackId < other.trackId);
}

function gapOf({ change: { before, after } }: ChangeExample): number {
  return Math.abs((before?.confidence ?? 0) - (after?.confidence ?? 0));
}
