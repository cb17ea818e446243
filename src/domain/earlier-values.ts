import type { Enriched, Snapshot } from './events.ts';
import type { Provider } from './provider.ts';
import type { TrackField } from './track-values.ts';

/** What a field was before. */
export interface EarlierValue {
  readonly value: string | number | null;
  readonly provider: Provider | null;
  readonly eventId: string;
  readonly revision: number;
  readonly at: string;
  readonly ruleVersion: string;
  readonly redecides: string | null;
}

/** The newest first; of decisions with one and the same value the first, and without the value that holds. */
export function earlierValues(
  decisions: readonly { readonly event: Enriched; readonly revision: number }[],
  field: TrackField,
): readonly EarlierValue[] {
  const valueIn = (snapshot: Snapshot) => snapshot[field]?.value ?? null;
  const changes = decisions.filter(({ event }, at) => {
    const before = decisions[at - 1];
    return before === undefined || valueIn(before.event.data.snapshot) !== valueIn(event.data.snapshot);
  });
  return changes
    .slice(0, -1)
    .toReversed()
    .map(({ event, revision }) => ({
      value: valueIn(event.data.snapshot),
      provider: event.data.snapshot[field]?.provider ?? null,
      eventId: event.id,
      revision,
      at: event.meta.occurredAt,
      ruleVersion: event.data.ruleVersion,
      redecides: event.data.redecides ?? null,
    }));
}
