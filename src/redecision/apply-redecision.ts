import type { Enriched, Failed } from '../domain/events.ts';
import { type Redecision, redecisionEvent } from '../domain/redecide.ts';
import type { Rules } from '../domain/rules.ts';
import { trackStream } from '../domain/stream-names.ts';
import type { Ledger, RecordedEvent } from '../ledger/ledger.ts';
import { decodeTrackEvent, encodeTrackEvent } from '../ledger/track-events.ts';
import { eventAt, judgeTrack } from './judge-track.ts';
import { readTrack } from './track-verdicts.ts';

export interface ApplyOptions {
  readonly ledger: Ledger;
  readonly rules: Rules;
  readonly now: () => number;
  /** A random UUID. */
  readonly newId: () => string;
}

/** What became of a track that was to be decided again. */
export type Applied =
  | { readonly kind: 'redecided'; readonly redecision: Redecision }
  | { readonly kind: 'same' }
  | { readonly kind: 'unreadable' | 'busy'; readonly reason: string };

const conflictsMax = 5;

/**
 * Decides a track again and records it. A conflict means that somebody recorded more: it is read and decided anew.
 *
 * @throws LedgerUnavailable
 */
export async function applyRedecision(trackId: string, options: ApplyOptions): Promise<Applied> {
  const { ledger, rules } = options;
  for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
    const stream = await readTrack(ledger, trackId);
    const events = stream.events as readonly RecordedEvent[];
    const last = events.at(-1);
    const verdict = judgeTrack(stream, rules);
    if (last === undefined || verdict.kind === 'same') return { kind: 'same' };
    if (verdict.kind === 'unreadable') return verdict;
    const { redecision, standing } = verdict;
    const event = redecisionEvent(redecision, {
      eventId: options.newId(),
      at: new Date(options.now()).toISOString(),
      lastOccurredAt: String(last.metadata.occurredAt),
      decided: decisionAt(events, redecision.basis.revision),
      replaced: standing?.eventId ?? redecision.basis.eventId,
    });
    const { kind } = await ledger.append(trackStream(trackId), last.revision, [encodeTrackEvent(event)]);
    if (kind === 'appended') return { kind: 'redecided', redecision };
  }
  return { kind: 'busy', reason: `Somebody else wrote to it ${conflictsMax} times meanwhile.` };
}

function decisionAt(events: readonly RecordedEvent[], revision: number): Enriched | Failed {
  const decoded = decodeTrackEvent(eventAt(events, revision));
  if (!('event' in decoded)) throw new Error(decoded.reason);
  const { event } = decoded;
  if (event.type !== 'Enriched' && event.type !== 'Failed')
    throw new Error(`${event.type} ${event.id} is no decision.`);
  return event;
}
