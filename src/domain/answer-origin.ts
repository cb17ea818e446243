import type { RecordedTrackEvent } from './events.ts';
import type { Provider } from './provider.ts';

/** How an answer came into a stream. */
export type AnswerOrigin =
  | {
      readonly kind: 'call';
      readonly provider: Provider;
      readonly taskId: string;
      readonly httpStatus: number | null;
      readonly durationMs: number;
      readonly calledAt: string;
      readonly recordedAt: string;
    }
  | {
      readonly kind: 'cache' | 'flight';
      readonly provider: Provider;
      readonly taskId: string;
      readonly calledAt: string;
      readonly recordedAt: string;
      /** The `ApiCalled` that first recorded it. */
      readonly callEventId: string;
      /** Where that stands in this stream; null: it was another track's call, or was cut off. */
      readonly callRevision: number | null;
    };

/** Where an answer of the stream came from; null: no such event records one. */
export function originOf(events: readonly RecordedTrackEvent[], eventId: string): AnswerOrigin | null {
  const event = events.find((one) => one.event.id === eventId)?.event;
  if (event?.type === 'ApiCalled') {
    const { provider, httpStatus, durationMs, calledAt } = event.data;
    const { taskId, occurredAt: recordedAt } = event.meta;
    return { kind: 'call', provider, taskId, httpStatus, durationMs, calledAt, recordedAt };
  }
  if (event?.type === 'CacheHit') {
    const { provider, via, calledAt, eventId: callEventId } = event.data;
    const { taskId, occurredAt: recordedAt } = event.meta;
    const call = events.find((one) => one.event.id === callEventId && one.event.type === 'ApiCalled');
    const callRevision = call?.revision ?? null;
    return { kind: via, provider, taskId, calledAt, recordedAt, callEventId, callRevision };
  }
  return null;
}
