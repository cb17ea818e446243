import { sql } from 'drizzle-orm';
import {
  bigint,
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

/** How far the read models of this schema have followed the ledger: one row. */
export const checkpoint = pgTable('projection_checkpoint', {
  name: text('name').primaryKey(),
  /** Null before the first event. */
  position: text('position'),
  /** Counts the changes, so that a projector sees that another one moved it. */
  epoch: bigint('epoch', { mode: 'number' }).notNull(),
});

export type TrackRow = typeof tracks.$inferSelect;
