import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';

/**
 * The tables of the read models. They are not qualified: the search_path says in which schema they are, so that a
 * rebuild can fill the same tables in another one.
 */
const time = customType<{ data: string; driverData: string }>({
  dataType: () => 'timestamp with time zone',
  // Times are ISO 8601 everywhere else.
  fromDriver: (text) => new Date(text).toISOString(),
});

/** What is known of every track; each value's provenance beside it. Rebuilt from the ledger at any time. */
export const tracks = pgTable(
  'tracks',
  {
    trackId: text('track_id').primaryKey(),
    artist: text('artist').notNull(),
    title: text('title').notNull(),
    status: text('status').notNull(),
    failureReason: text('failure_reason'),
    attempts: integer('attempts').notNull(),
    /** Providers that the newest decision left out and that have not answered since. */
    leftOut: text('left_out').array().notNull(),
    retryAt: time('retry_at'),
    isrc: text('isrc'),
    spotifyId: text('spotify_id'),
    musicbrainzId: text('musicbrainz_id'),
    lastfmUrl: text('lastfm_url'),
    durationMs: integer('duration_ms'),
    bpm: doublePrecision('bpm'),
    key: text('key'),
    camelotKey: varchar('camelot_key', { length: 3 }),
    tempoConfidence: numeric('tempo_confidence', { precision: 3, scale: 2 }),
    energy: doublePrecision('energy'),
    danceability: doublePrecision('danceability'),
    valence: doublePrecision('valence'),
    /** Text, because providers know some dates only to the year or month. */
    releaseDate: text('release_date'),
    genre: text('genre'),
    label: text('label'),
    album: text('album'),
    artworkSmallUrl: text('artwork_small_url'),
    artworkMediumUrl: text('artwork_medium_url'),
    artworkLargeUrl: text('artwork_large_url'),
    spotifyPopularity: integer('spotify_popularity'),
    lastfmPlaycount: bigint('lastfm_playcount', { mode: 'number' }),
    lastfmListeners: bigint('lastfm_listeners', { mode: 'number' }),
    enrichmentSources: text('enrichment_sources').array().notNull(),
    enrichmentTimestamp: time('enrichment_timestamp'),
    enrichmentSourceApi: varchar('enrichment_source_api', { length: 50 }),
    sourceDataVersion: varchar('source_data_version', { length: 100 }),
    /** Column name → where its value comes from: provider, event id, revision, confidence. */
    provenance: jsonb('provenance').notNull(),
    enrichedEventId: text('enriched_event_id'),
    enrichedRevision: integer('enriched_revision'),
    /** The newest revision of the track's stream that is in this row. */
    streamRevision: integer('stream_revision').notNull(),
    updatedAt: time('updated_at').notNull(),
  },
  (table) => [
    check(
      'tracks_status_check',
      sql`${table.status} IN ('pending', 'in_progress', 'completed', 'partial', 'failed')`,
    ),
    check('tracks_camelot_key_check', sql`${table.camelotKey} ~ '^(1[0-2]|[1-9])[AB]$'`),
    check('tracks_tempo_confidence_check', sql`${table.tempoConfidence} BETWEEN 0 AND 1`),
    index('idx_tracks_enrichment_timestamp').on(table.enrichmentTimestamp.desc().nullsLast()),
    index('idx_tracks_enrichment_source')
      .on(table.enrichmentSourceApi)
      .where(sql`${table.enrichmentSourceApi} IS NOT NULL`),
    index('idx_tracks_enrichment_staleness').on(table.enrichmentSourceApi, table.enrichmentTimestamp),
    index('idx_tracks_camelot_key').on(table.camelotKey),
  ],
);

/**
 * Every task of every stream, and what became of it. A final failure makes it a dead letter, which an operator has
 * replayed or dismisses.
 */
export const tasks = pgTable(
  'tasks',
  {
    stream: text('stream').notNull(),
    taskId: text('task_id').notNull(),
    /** Null for a message that could not be read. */
    trackId: text('track_id'),
    artist: text('artist').notNull(),
    title: text('title').notNull(),
    source: text('source'),
    priority: integer('priority').notNull(),
    origin: text('origin').notNull(),
    ofTaskId: text('of_task_id'),
    /** The one that a follow-up asks. */
    provider: text('provider'),
    status: text('status').notNull(),
    hop: integer('hop').notNull(),
    attempts: integer('attempts').notNull(),
    /** When the next hop is due. */
    dueAt: time('due_at'),
    receivedAt: time('received_at'),
    decidedAt: time('decided_at'),
    /** Of the newest decision: each provider left out, with cause and time. */
    leftOut: jsonb('left_out').notNull(),
    failureReason: text('failure_reason'),
    failureMessage: text('failure_message'),
    /** What an operator did with the dead letter. */
    settlement: text('settlement'),
    settledAt: time('settled_at'),
    settledBy: text('settled_by'),
    settledWhy: text('settled_why'),
    replayedAs: text('replayed_as'),
    /** The newest revision of the stream that changed this row. */
    revision: integer('revision').notNull(),
    updatedAt: time('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.stream, table.taskId] }),
    check('tasks_status_check', sql`${table.status} IN ('open', 'waiting', 'enriched', 'failed')`),
    check('tasks_settlement_check', sql`${table.settlement} IN ('replayed', 'dismissed')`),
    index('idx_tasks_unfinished').on(table.updatedAt).where(sql`${table.status} IN ('open', 'waiting')`),
    index('idx_tasks_failed').on(table.decidedAt.desc()).where(sql`${table.status} = 'failed'`),
    index('idx_tasks_left_out')
      .on(table.decidedAt)
      .where(sql`${table.status} = 'enriched' AND ${table.leftOut} <> '[]'::jsonb`),
    index('idx_tasks_task_id').on(table.taskId),
  ],
);

export type TaskRow = typeof tasks.$inferSelect;

const count = (name: string) => bigint(name, { mode: 'number' }).notNull();

/** Calls and answers by provider and hour. Whole numbers only, so that the order of adding changes nothing. */
export const metrics = pgTable(
  'metrics',
  {
    provider: text('provider').notNull(),
    /** When the hour began. */
    hour: time('hour').notNull(),
    calls: count('calls'),
    found: count('found'),
    missing: count('missing'),
    misused: count('misused'),
    unauthorised: count('unauthorised'),
    throttled: count('throttled'),
    unavailable: count('unavailable'),
    cacheHits: count('cache_hits'),
    /** Answers of a call that was in flight for another task. */
    flightHits: count('flight_hits'),
    costMicroUsd: count('cost_micro_usd'),
    durationMsSum: count('duration_ms_sum'),
    /** Calls that took at most so long. */
    within50Ms: count('within_50_ms'),
    within100Ms: count('within_100_ms'),
    within250Ms: count('within_250_ms'),
    within500Ms: count('within_500_ms'),
    within1000Ms: count('within_1000_ms'),
    within2500Ms: count('within_2500_ms'),
    within5000Ms: count('within_5000_ms'),
    within10000Ms: count('within_10000_ms'),
    within30000Ms: count('within_30000_ms'),
  },
  (table) => [primaryKey({ columns: [table.provider, table.hour] })],
);

/** How far the read models of this schema have followed the ledger: one row. */
export const checkpoint = pgTable('projection_checkpoint', {
  one: boolean('one').primaryKey().default(true),
  version: integer('version').notNull(),
  /** Another one for every schema that is ever made: two that count alike are not the same. */
  generation: uuid('generation').notNull().defaultRandom(),
  /** Null before the first event. */
  position: text('position'),
  /** Counts the changes, so that a projector sees that another one moved it. */
  epoch: bigint('epoch', { mode: 'number' }).notNull().default(0),
  pausedBy: text('paused_by'),
  pausedAt: time('paused_at'),
  /** What a rebuild that is filling these tables goes on from; null: they are filled. */
  filling: jsonb('filling'),
});

/** Streams that a read model cannot follow at the moment: it stands before an event that it could not take. */
export const quarantine = pgTable(
  'projection_quarantine',
  {
    readModel: text('read_model').notNull(),
    stream: text('stream').notNull(),
    /** The event that could not be taken. */
    revision: integer('revision').notNull(),
    eventId: text('event_id').notNull(),
    eventType: text('event_type').notNull(),
    error: text('error').notNull(),
    /** The newest event of the stream that came by meanwhile. */
    seenRevision: integer('seen_revision').notNull(),
    attempts: integer('attempts').notNull(),
    parkedAt: time('parked_at').notNull(),
    /** What an operator wants: `retry` or `skip`. */
    request: text('request'),
    requestedBy: text('requested_by'),
    requestedWhy: text('requested_why'),
  },
  (table) => [
    primaryKey({ columns: [table.readModel, table.stream] }),
    check('projection_quarantine_request_check', sql`${table.request} IN ('retry', 'skip')`),
  ],
);

/** Events that an operator had a read model pass over. A rebuild passes over them as well. */
export const skipped = pgTable(
  'projection_skipped',
  {
    readModel: text('read_model').notNull(),
    stream: text('stream').notNull(),
    revision: integer('revision').notNull(),
    eventId: text('event_id').notNull(),
    by: text('by').notNull(),
    why: text('why').notNull(),
    at: time('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.readModel, table.stream, table.revision] })],
);

export type TrackRow = typeof tracks.$inferSelect;
export type MetricsRow = typeof metrics.$inferSelect;
