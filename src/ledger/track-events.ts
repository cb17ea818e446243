import {
  type EventMeta,
  type RecordedTrackEvent,
  schemaVersions,
  type TrackEvent,
} from '../domain/events.ts';
import type { JsonObject, NewEvent, RecordedEvent } from './ledger.ts';

/** An event that this version cannot read: to be parked, never an exception. */
export interface UnknownEvent {
  readonly kind: 'unknown';
  /** One sentence. */
  readonly reason: string;
  readonly recorded: RecordedEvent;
}

export function encodeTrackEvent({ id, type, data, meta }: TrackEvent): NewEvent {
  return { id, type, data: data as unknown as JsonObject, metadata: meta as unknown as JsonObject };
}

/** Turns data of an older version into that of the next; by `type@version`. There are no older versions yet. */
const upcasters: Readonly<Record<string, (data: JsonObject) => JsonObject>> = {};

/** The fields without which an event of its type cannot be used, with what they must be. */
const needed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  TaskReceived: { request: 'object', origin: 'object', delivery: 'number' },
  CacheHit: { provider: 'string', lookup: 'object', answer: 'object', calledAt: 'string' },
  ApiCalled: { provider: 'string', lookup: 'object', outcome: 'object', superseded: 'boolean' },
  Enriched: { status: 'string', snapshot: 'object', sources: 'object', leftOut: 'object' },
  Failed: { reason: 'string', final: 'boolean', attempt: 'number', leftOut: 'object' },
  Deferred: { until: 'string', leftOut: 'object' },
  Replayed: { newTaskId: 'string', n: 'number' },
  Dismissed: { by: 'string' },
  Erased: { taskIds: 'object' },
};

/** Reads a recorded event as the current version of its type. */
export function decodeTrackEvent(recorded: RecordedEvent): RecordedTrackEvent | UnknownEvent {
  const { id, type, metadata, revision } = recorded;
  const unknown = (reason: string): UnknownEvent => ({ kind: 'unknown', reason, recorded });
  const fields = Object.hasOwn(needed, type) ? needed[type] : undefined;
  if (fields === undefined) return unknown(`The event type "${type}" is not known to this version.`);
  if (!isObject(recorded.data) || !isObject(metadata)) return unknown(`${type} ${id} is no JSON object.`);
  const current = schemaVersions[type as TrackEvent['type']];
  let version = metadata.schemaVersion;
  let data: JsonObject = recorded.data;
  while (typeof version === 'number' && version < current) {
    const upcast = upcasters[`${type}@${version}`];
    if (upcast === undefined) break;
    data = upcast(data);
    version += 1;
  }
  if (version !== current)
    return unknown(`${type} has version ${String(version)}; this version reads ${current}.`);
  if (
    typeof metadata.occurredAt !== 'string' ||
    typeof metadata.taskId !== 'string' ||
    typeof metadata.hop !== 'number'
  ) {
    return unknown(`${type} ${id} lacks occurredAt, taskId or hop.`);
  }
  for (const field in fields) {
    const value = data[field];
    if (value === null || typeof value !== fields[field])
      return unknown(`${type} ${id} has no usable "${field}".`);
  }
  const event = { id, type, data, meta: metadata as unknown as EventMeta } as unknown as TrackEvent;
  return { event, revision };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
