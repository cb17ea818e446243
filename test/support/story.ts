import type { RecordedTrackEvent, Snapshot, TrackEvent } from '../../src/domain/events.ts';
import { settles } from '../../src/domain/lookup.ts';

/** What a stream says about one task, apart from ids, times, and calls that came to nothing or were made twice. */
export interface TaskStory {
  readonly origin: string;
  readonly answers: readonly string[];
  readonly decisions: readonly string[];
}

export interface Story {
  readonly tasks: Readonly<Record<string, TaskStory>>;
  /** What the track ended up with. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * The story that a stream tells. Two streams with one story are the same to everybody who relies on them.
 *
 * @param ordered false: leaves out what depends on which of two tasks was first
 */
export function storyOf(events: readonly RecordedTrackEvent[], ordered = true): Story {
  const tasks: Record<string, { origin: string; answers: string[]; decisions: string[] }> = {};
  let values = {};
  for (const { event } of events) {
    const { taskId } = event.meta;
    const task = tasks[taskId] ?? { origin: 'none', answers: [], decisions: [] };
    tasks[taskId] = task;
    if (event.type === 'TaskReceived') task.origin = JSON.stringify(event.data.origin);
    const answer = answerOf(event);
    if (answer !== null) task.answers.push(answer);
    const decision = decisionOf(event, ordered);
    if (decision !== null) task.decisions.push(decision);
    if (event.type === 'Enriched') values = valuesOf(event.data.snapshot);
  }
  for (const { answers } of Object.values(tasks)) answers.sort();
  return { tasks, values };
}

function answerOf(event: TrackEvent): string | null {
  if (event.type === 'CacheHit') {
    const { provider, lookup, answer } = event.data;
    return JSON.stringify([provider, lookup, answer]);
  }
  if (event.type !== 'ApiCalled' || event.data.superseded || !settles(event.data.outcome)) return null;
  const { provider, lookup, outcome } = event.data;
  return JSON.stringify([provider, lookup, outcome]);
}

function decisionOf({ type, data, meta: { hop } }: TrackEvent, ordered: boolean): string | null {
  switch (type) {
    case 'Enriched': {
      const leftOut = data.leftOut.map(({ provider, cause }) => [provider, cause]);
      const { status, sources, artist, title } = data;
      const whole = ordered ? [status, sources, valuesOf(data.snapshot)] : [];
      return JSON.stringify([type, hop, leftOut, artist, title, ...whole]);
    }
    case 'Failed':
      return JSON.stringify([type, hop, data.reason, data.final, data.attempt, data.retryAt === null]);
    case 'Deferred':
      return JSON.stringify([type, hop, data.leftOut.map(({ provider }) => provider)]);
    default:
      return null;
  }
}

/** The values of a snapshot with who they are from, without the events that they stand in. */
export function valuesOf(snapshot: Snapshot): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(snapshot).map(([field, { value, provider, confidence }]) => [
      field,
      { value, provider, confidence },
    ]),
  );
}
