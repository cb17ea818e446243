import type { Enriched, LeftOut, TrackEvent } from '../domain/events.ts';
import type { TaskOrigin, TaskRequest } from '../domain/task.ts';
import { trackFields } from '../domain/track-values.ts';
import { columnOf } from '../projections/track-columns.ts';
import { durationText } from './duration-text.ts';
import { cacheHitText, callText } from './lookup-text.ts';
import { counted } from './number-text.ts';
import { providerNames } from './provider-name.ts';
import { timeText } from './time-text.ts';
import { shown } from './visible-text.ts';

/**
 * An event in plain words.
 *
 * @param request what answers were matched to when it happened; null: nothing had been asked for
 * @param numberOf what a task is called
 */
export function eventText(
  event: TrackEvent,
  request: TaskRequest | null,
  numberOf: (taskId: string) => string,
): string {
  switch (event.type) {
    case 'TaskReceived': {
      const { artist, title, isrc, priority, source } = event.data.request;
      const { delivery } = event.data;
      if (delivery > 1) return `received again: delivery ${delivery}, the worker before did not finish`;
      const origin = originText(event.data.origin, numberOf);
      const known = isrc === null ? '' : `, ISRC ${shown(isrc, 20)}`;
      const from = source === null ? '' : `, from ${shown(source, 60)}`;
      return `received${origin}: ${shown(artist)} – ${shown(title)}${known} (priority ${priority}${from})`;
    }
    case 'ApiCalled':
      return callText(event.data, request);
    case 'CacheHit':
      return cacheHitText(event.data, event.meta.occurredAt, request);
    case 'Enriched':
      return enrichedText(event.data);
    case 'Failed': {
      const { reason, final, attempt, retryAt, message } = event.data;
      const text = `${shown(reason, 40)}: ${shown(message, 200)}`;
      if (final) return `failed for good, ${text}`;
      return `attempt ${attempt} failed, ${text}${retryAt === null ? '' : ` Again at ${timeText(retryAt)}`}`;
    }
    case 'Deferred': {
      const waitMs = Date.parse(event.data.until) - Date.parse(event.meta.occurredAt);
      const names = event.data.leftOut.map(({ provider }) => providerNames[provider]).join(', ');
      return `deferred for ${durationText(waitMs)}, until ${timeText(event.data.until)}: waiting for ${names}`;
    }
    case 'Replayed': {
      const { by, why, n, newTaskId } = event.data;
      return `replayed by ${shown(by, 60)} (replay ${n}, task ${shown(newTaskId, 40)}): ${shown(why, 200)}`;
    }
    case 'Dismissed':
      return `dismissed by ${shown(event.data.by, 60)}: ${shown(event.data.why, 200)}`;
    case 'Erased': {
      const { by, why, eventCount } = event.data;
      return `erased by ${shown(by, 60)}, ${counted(eventCount, 'event')}: ${shown(why, 200)}`;
    }
    default:
      return event satisfies never;
  }
}

function originText(origin: TaskOrigin, numberOf: (taskId: string) => string): string {
  switch (origin.kind) {
    case 'request':
      return '';
    case 'follow-up':
      return ` as follow-up of ${numberOf(origin.ofTaskId)} for ${providerNames[origin.provider]}`;
    case 'replay':
      return ` as replay ${origin.n} of ${numberOf(origin.ofTaskId)}`;
    default:
      return origin satisfies never;
  }
}

const fieldsShownMax = 4;

function enrichedText({ status, sources, snapshot, leftOut }: Enriched['data']): string {
  const values = trackFields.flatMap((field) => {
    const source = snapshot[field];
    return source === undefined ? [] : [`${columnOf(field)} ${shown(String(source.value), 40)}`];
  });
  const more = values.length > fieldsShownMax ? `, and ${values.length - fieldsShownMax} more` : '';
  const from = sources.map((provider) => providerNames[provider]).join(', ');
  const found = values.length === 0 ? '' : `: ${values.slice(0, fieldsShownMax).join(', ')}${more}`;
  return `enriched, ${status}, from ${from}${found}${leftOutText(leftOut)}`;
}

function leftOutText(leftOut: readonly LeftOut[]): string {
  if (leftOut.length === 0) return '';
  const parts = leftOut.map(({ provider, cause, until }) => {
    const why = cause === 'waiting' ? 'had no free slot' : 'did not answer';
    return `${providerNames[provider]} (${why}, again from ${timeText(until)})`;
  });
  return `; left out ${parts.join(', ')}`;
}
