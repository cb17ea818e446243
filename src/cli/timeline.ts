import type { RecordedTrackEvent, TrackEvent } from '../domain/events.ts';
import type { Provider } from '../domain/provider.ts';
import type { TaskRequest } from '../domain/task.ts';
import { durationText } from './duration-text.ts';
import { eventText } from './event-text.ts';
import { counted } from './number-text.ts';
import { providerNames } from './provider-name.ts';
import { formatTable } from './table.ts';
import { timeText } from './time-text.ts';
import { shown } from './visible-text.ts';

/**
 * The story of a track, a line for each of its events: when, how long after the one before, what happened. Each
 * task of the track has a number, shown where there is more than one. Ends with a line feed.
 */
export function formatHistory(events: readonly RecordedTrackEvent[]): string {
  const tasks = [...new Set(events.map(({ event }) => event.meta.taskId))];
  const numberOf = (taskId: string) => `#${tasks.indexOf(taskId) + 1}`;
  const requestAfter = createRequests();
  let request: TaskRequest | null = null;
  let before: string | null = null;
  const lines: string[][] = [];
  for (const { event } of events) {
    const { occurredAt, taskId, hop } = event.meta;
    const delta = before === null ? '' : `+${durationText(Date.parse(occurredAt) - Date.parse(before))}`;
    before = occurredAt;
    const again = hop > 0 ? ` (hop ${hop})` : '';
    lines.push([
      timeText(occurredAt),
      delta,
      ...(tasks.length > 1 ? [numberOf(taskId)] : []),
      `${eventText(event, request, numberOf)}${again}`,
    ]);
    request = requestAfter(event);
  }
  const taskCount = tasks.length > 1 ? ` of ${counted(tasks.length, 'task')}` : '';
  return `${counted(events.length, 'event')}${taskCount}; times are UTC\n${formatTable(lines, { right: [1] })}\n`;
}

/** The newest request after each event, as `evolve` has it; of a long stream the rest of the state is not needed. */
function createRequests(): (event: TrackEvent) => TaskRequest | null {
  let known = new Set<string>();
  let newest: TaskRequest | null = null;
  return (event) => {
    if (event.type === 'Erased') {
      known = new Set();
      newest = null;
    } else if (event.type === 'TaskReceived' && !known.has(event.meta.taskId)) {
      known.add(event.meta.taskId);
      if (event.data.origin.kind === 'request') newest = event.data.request;
    }
    return newest;
  };
}

/** What is known of a track, as `track show` prints it. */
export interface TrackView {
  readonly trackId: string;
  readonly artist: string | null;
  readonly title: string | null;
  /** Such as `completed` or `partial`. */
  readonly status: string;
  readonly sources: readonly Provider[];
  /** ISO 8601; null where it was never enriched. */
  readonly enrichedAt: string | null;
  readonly values: readonly TrackViewValue[];
}

export interface TrackViewValue {
  readonly column: string;
  readonly value: string | number;
  readonly provider: Provider;
  /** 0 to 1. */
  readonly confidence: number;
  /** The event that recorded it, and its place in the track's stream. */
  readonly eventId: string;
  readonly revision: number;
}

/** The values of a track, each with where it comes from; ends with a line feed. */
export function formatTrack(track: TrackView): string {
  const name = [track.artist, track.title].map((text) => shown(text ?? 'unknown')).join(' – ');
  const sources = track.sources.map((provider) => providerNames[provider]).join(', ');
  const facts = [
    ['track', shown(track.trackId, 200)],
    ['status', `${shown(track.status, 40)}${sources === '' ? '' : ` from ${sources}`}`],
    ...(track.enrichedAt === null ? [] : [['enriched', `${timeText(track.enrichedAt)} UTC`]]),
  ];
  const head = `${name}\n${formatTable(facts, { indent: 2 })}\n`;
  if (track.values.length === 0) return `${head}\nNo values are known.\n`;
  const rows = track.values.map(({ column, value, provider, confidence, revision, eventId }) => [
    shown(column, 40),
    shown(String(value), 60),
    providerNames[provider],
    confidence.toFixed(2),
    String(revision),
    shown(eventId, 36),
  ]);
  const columns = ['column', 'value', 'provider', 'confidence', 'revision', 'event'];
  return `${head}\n${formatTable([columns, ...rows], { right: [3, 4], indent: 2 })}\n`;
}
