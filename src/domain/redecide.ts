import type { DecisionBasis, Decisions } from './decisions.ts';
import { type Enriched, type Failed, schemaVersions } from './events.ts';
import { type Merged, mergeSnapshot } from './merging.ts';
import { type Rules, ruleVersion } from './rules.ts';
import { type ValueChange, valueChanges } from './value-changes.ts';

/** What a track's values are by other rules. */
export interface Redecision extends Merged {
  /** The decision that is made again. */
  readonly basis: DecisionBasis;
  /** What changes of single fields; may be empty where only the sources are others. */
  readonly changes: readonly ValueChange[];
}

/** What a track's values are, with the decision that gives them. */
type Decided = Omit<Redecision, 'changes'>;

/**
 * Decides again what a track's values are, over the answers that workers had when they decided, and over no other: what
 * came later belongs to a task that will be decided by itself. So the same rules come to the same, and what was decided
 * again before makes no difference.
 *
 * @returns null: nothing was decided that could be decided again
 */
export function decideAgain({ enriched, notFound, standing }: Decisions, rules: Rules): Decided | null {
  if (notFound !== null && (enriched === null || notFound.revision > enriched.revision)) {
    const merged = mergeSnapshot(notFound.request, notFound.found, rules);
    if (Object.keys(merged.snapshot).length > 0) return { basis: notFound, ...merged };
    // What other rules had found meanwhile goes again.
    if (enriched === null && standing !== null) return { basis: notFound, snapshot: {}, sources: [] };
  }
  // Where the newest decision is that nothing matches, the track keeps what it had before.
  if (enriched === null) return null;
  return { basis: enriched, ...mergeSnapshot(enriched.request, enriched.found, rules) };
}

/**
 * What of it is new.
 *
 * @param standing what the track has; null: it was never enriched
 * @returns null: nothing
 */
export function compareDecided(
  decided: Decided,
  standing: Pick<Merged, 'snapshot' | 'sources'> | null,
  rules: Rules,
): Redecision | null {
  const changes = valueChanges(standing?.snapshot ?? {}, decided, rules);
  const sameSources = (standing?.sources ?? []).join() === decided.sources.join();
  if (changes.length === 0 && (sameSources || standing === null)) return null;
  return { ...decided, changes };
}

/**
 * The fact of it. Where nothing matches any more the snapshot is empty: no other event could take values away, for a
 * failed look never does.
 *
 * @param decided the event that is decided again
 * @param replaced the id of the event whose place it takes
 */
export function redecisionEvent(
  { basis, snapshot, sources }: Redecision,
  about: {
    readonly eventId: string;
    /** The clock, ISO 8601. */
    readonly at: string;
    readonly lastOccurredAt: string;
    readonly decided: Pick<Enriched, 'data' | 'meta'> | Pick<Failed, 'data' | 'meta'>;
    readonly replaced: string;
  },
): Enriched {
  const { at, lastOccurredAt, decided } = about;
  const { taskId, hop, correlationId } = decided.meta;
  const { artist, title } = basis.request;
  return {
    id: about.eventId,
    type: 'Enriched',
    data: {
      // Of no source as well: the event knows only two.
      status: sources.length >= 2 ? 'completed' : 'partial',
      snapshot,
      sources,
      // The consequences of the task stay what they were.
      leftOut: decided.data.leftOut,
      artist,
      title,
      ruleVersion,
      redecides: basis.eventId,
    },
    meta: {
      occurredAt: at > lastOccurredAt ? at : lastOccurredAt,
      taskId,
      hop,
      correlationId,
      causationId: about.replaced,
      traceparent: null,
      schemaVersion: schemaVersions.Enriched,
    },
  };
}
