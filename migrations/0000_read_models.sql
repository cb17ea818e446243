CREATE TABLE "projection_checkpoint" (
	"one" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"version" integer NOT NULL,
	"generation" uuid DEFAULT gen_random_uuid() NOT NULL,
	"position" text,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"paused_by" text,
	"paused_at" timestamp with time zone,
	"filling" jsonb
);
--> statement-breakpoint
CREATE TABLE "metrics" (
	"provider" text NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"calls" bigint NOT NULL,
	"found" bigint NOT NULL,
	"missing" bigint NOT NULL,
	"misused" bigint NOT NULL,
	"unauthorised" bigint NOT NULL,
	"throttled" bigint NOT NULL,
	"unavailable" bigint NOT NULL,
	"cache_hits" bigint NOT NULL,
	"flight_hits" bigint NOT NULL,
	"cost_micro_usd" bigint NOT NULL,
	"duration_ms_sum" bigint NOT NULL,
	"within_50_ms" bigint NOT NULL,
	"within_100_ms" bigint NOT NULL,
	"within_250_ms" bigint NOT NULL,
	"within_500_ms" bigint NOT NULL,
	"within_1000_ms" bigint NOT NULL,
	"within_2500_ms" bigint NOT NULL,
	"within_5000_ms" bigint NOT NULL,
	"within_10000_ms" bigint NOT NULL,
	"within_30000_ms" bigint NOT NULL,
	CONSTRAINT "metrics_provider_hour_pk" PRIMARY KEY("provider","hour")
);
--> statement-breakpoint
CREATE TABLE "projection_quarantine" (
	"read_model" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"event_id" text NOT NULL,
	"event_type" text NOT NULL,
	"error" text NOT NULL,
	"seen_revision" integer NOT NULL,
	"attempts" integer NOT NULL,
	"parked_at" timestamp with time zone NOT NULL,
	"request" text,
	"requested_by" text,
	"requested_why" text,
	CONSTRAINT "projection_quarantine_read_model_stream_pk" PRIMARY KEY("read_model","stream"),
	CONSTRAINT "projection_quarantine_request_check" CHECK ("projection_quarantine"."request" IN ('retry', 'skip'))
);
--> statement-breakpoint
CREATE TABLE "projection_skipped" (
	"read_model" text NOT NULL,
	"stream" text NOT NULL,
	"revision" integer NOT NULL,
	"event_id" text NOT NULL,
	"by" text NOT NULL,
	"why" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "projection_skipped_read_model_stream_revision_pk" PRIMARY KEY("read_model","stream","revision")
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"stream" text NOT NULL,
	"task_id" text NOT NULL,
	"track_id" text,
	"artist" text NOT NULL,
	"title" text NOT NULL,
	"source" text,
	"priority" integer NOT NULL,
	"origin" text NOT NULL,
	"of_task_id" text,
	"provider" text,
	"status" text NOT NULL,
	"hop" integer NOT NULL,
	"attempts" integer NOT NULL,
	"due_at" timestamp with time zone,
	"received_at" timestamp with time zone,
	"decided_at" timestamp with time zone,
	"left_out" jsonb NOT NULL,
	"failure_reason" text,
	"failure_message" text,
	"settlement" text,
	"settled_at" timestamp with time zone,
	"settled_by" text,
	"settled_why" text,
	"replayed_as" text,
	"revision" integer NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "tasks_stream_task_id_pk" PRIMARY KEY("stream","task_id"),
	CONSTRAINT "tasks_status_check" CHECK ("tasks"."status" IN ('open', 'waiting', 'enriched', 'failed')),
	CONSTRAINT "tasks_settlement_check" CHECK ("tasks"."settlement" IN ('replayed', 'dismissed'))
);
--> statement-breakpoint
CREATE TABLE "tracks" (
	"track_id" text PRIMARY KEY NOT NULL,
	"artist" text NOT NULL,
	"title" text NOT NULL,
	"status" text NOT NULL,
	"failure_reason" text,
	"attempts" integer NOT NULL,
	"left_out" text[] NOT NULL,
	"retry_at" timestamp with time zone,
	"isrc" text,
	"spotify_id" text,
	"musicbrainz_id" text,
	"lastfm_url" text,
	"duration_ms" integer,
	"bpm" double precision,
	"key" text,
	"camelot_key" varchar(3),
	"tempo_confidence" numeric(3, 2),
	"energy" double precision,
	"danceability" double precision,
	"valence" double precision,
	"release_date" text,
	"genre" text,
	"label" text,
	"album" text,
	"artwork_small_url" text,
	"artwork_medium_url" text,
	"artwork_large_url" text,
	"spotify_popularity" integer,
	"lastfm_playcount" bigint,
	"lastfm_listeners" bigint,
	"enrichment_sources" text[] NOT NULL,
	"enrichment_timestamp" timestamp with time zone,
	"enrichment_source_api" varchar(50),
	"source_data_version" varchar(100),
	"provenance" jsonb NOT NULL,
	"enriched_event_id" text,
	"enriched_revision" integer,
	"stream_revision" integer NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "tracks_status_check" CHECK ("tracks"."status" IN ('pending', 'in_progress', 'completed', 'partial', 'failed')),
	CONSTRAINT "tracks_camelot_key_check" CHECK ("tracks"."camelot_key" ~ '^(1[0-2]|[1-9])[AB]$'),
	CONSTRAINT "tracks_tempo_confidence_check" CHECK ("tracks"."tempo_confidence" BETWEEN 0 AND 1)
);
--> statement-breakpoint
CREATE INDEX "idx_tasks_unfinished" ON "tasks" USING btree ("updated_at") WHERE "tasks"."status" IN ('open', 'waiting');--> statement-breakpoint
CREATE INDEX "idx_tasks_failed" ON "tasks" USING btree ("decided_at" DESC NULLS LAST) WHERE "tasks"."status" = 'failed';--> statement-breakpoint
CREATE INDEX "idx_tasks_left_out" ON "tasks" USING btree ("decided_at") WHERE "tasks"."status" = 'enriched' AND "tasks"."left_out" <> '[]'::jsonb;--> statement-breakpoint
CREATE INDEX "idx_tasks_task_id" ON "tasks" USING btree ("task_id");--> statement-breakpoint
CREATE INDEX "idx_tracks_enrichment_timestamp" ON "tracks" USING btree ("enrichment_timestamp" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "idx_tracks_enrichment_source" ON "tracks" USING btree ("enrichment_source_api") WHERE "tracks"."enrichment_source_api" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "idx_tracks_enrichment_staleness" ON "tracks" USING btree ("enrichment_source_api","enrichment_timestamp");--> statement-breakpoint
CREATE INDEX "idx_tracks_camelot_key" ON "tracks" USING btree ("camelot_key");--> statement-breakpoint
CREATE VIEW "dlq" AS (select "task_id", "track_id", "stream", "artist", "title", "source", "priority", "failure_reason", "failure_message", "attempts", "left_out", "decided_at" from "tasks" where "tasks"."status" = 'failed' AND "tasks"."settlement" IS NULL);--> statement-breakpoint
CREATE OR REPLACE VIEW "enrichment_coverage_stats" AS (SELECT count(*) AS total, count(*) FILTER (WHERE spotify_id IS NOT NULL) AS with_spotify, count(*) FILTER (WHERE musicbrainz_id IS NOT NULL) AS with_musicbrainz, count(*) FILTER (WHERE bpm IS NOT NULL) AS with_bpm, count(*) FILTER (WHERE energy IS NOT NULL AND danceability IS NOT NULL AND valence IS NOT NULL) AS with_audio_features, count(*) FILTER (WHERE enrichment_timestamp IS NOT NULL) AS enriched, count(*) FILTER (WHERE enrichment_timestamp < now() - interval '30 days') AS stale_30d, count(*) FILTER (WHERE enrichment_timestamp < now() - interval '90 days') AS stale_90d, round(100.0 * count(*) FILTER (WHERE spotify_id IS NOT NULL) / nullif(count(*), 0), 2) AS pct_spotify, round(100.0 * count(*) FILTER (WHERE musicbrainz_id IS NOT NULL) / nullif(count(*), 0), 2) AS pct_musicbrainz, round(100.0 * count(*) FILTER (WHERE bpm IS NOT NULL) / nullif(count(*), 0), 2) AS pct_bpm, round(100.0 * count(*) FILTER (WHERE energy IS NOT NULL AND danceability IS NOT NULL AND valence IS NOT NULL) / nullif(count(*), 0), 2) AS pct_audio_features, round(100.0 * count(*) FILTER (WHERE enrichment_timestamp IS NOT NULL) / nullif(count(*), 0), 2) AS pct_enriched, round(100.0 * count(*) FILTER (WHERE enrichment_timestamp < now() - interval '30 days') / nullif(count(*), 0), 2) AS pct_stale_30d, round(100.0 * count(*) FILTER (WHERE enrichment_timestamp < now() - interval '90 days') / nullif(count(*), 0), 2) AS pct_stale_90d FROM "tracks");