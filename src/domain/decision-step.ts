import type { DecisionStep } from './decisions.ts';
import type { RecordedTrackEvent } from './events.ts';

/** An event as decisions look at it; null: they do not. */
export function decisionStepOf({ event, revision }: RecordedTrackEvent): DecisionStep | null {
  const { id: eventId } = event;
  const { taskId } = event.meta;
  switch (event.type) {
    case 'TaskReceived':
      return { kind: 'received', taskId, origin: event.data.origin, request: event.data.request };
    case 'ApiCalled': {
      const { provider, outcome, superseded } = event.data;
      if (superseded || outcome.kind !== 'found') return null;
      return { kind: 'found', finding: { taskId, provider, outcome, eventId, revision } };
    }
    case 'CacheHit': {
      const { provider, answer } = event.data;
      if (answer.kind !== 'found') return null;
      return { kind: 'found', finding: { taskId, provider, outcome: answer, eventId, revision } };
    }
    case 'Enriched':
      return { kind: 'enriched', eventId, revision, taskId, redecides: event.data.redecides ?? null };
    case 'Failed': {
      const { final, reason } = event.data;
      return final && reason === 'not_found' ? { kind: 'not-found', eventId, revision, taskId } : null;
    }
    case 'Erased':
      return { kind: 'erased' };
    case 'Deferred':
    case 'Replayed':
    case 'Dismissed':
      return null;
    default:
      return event satisfies never;
  }
}
