import type { RecordedEvent, StoredEvent } from '../ledger/ledger.ts';
import { isReadable, skimRecorded, skimStored, type Unreadable } from '../ledger/skim.ts';
import type { SkimmedEvent } from '../ledger/skimmed-event.ts';

/** An event on its way into the read models. */
export interface Arrival {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  /** Null where this version cannot read it. */
  readonly event: SkimmedEvent | null;
  /** Why it cannot be read; one sentence. */
  readonly reason: string;
}

export function arrivalOf(recorded: RecordedEvent): Arrival {
  return arrivalAt(recorded, skimRecorded(recorded));
}

export function storedArrivalOf(stored: StoredEvent): Arrival {
  return arrivalAt(stored, skimStored(stored));
}

function arrivalAt(
  { stream, revision, id, type }: RecordedEvent | StoredEvent,
  skimmed: SkimmedEvent | Unreadable,
): Arrival {
  return isReadable(skimmed)
    ? { stream, revision, id, type, event: skimmed, reason: '' }
    : { stream, revision, id, type, event: null, reason: skimmed.reason };
}
