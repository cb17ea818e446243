CREATE TABLE "projection_checkpoint" (
	"name" text PRIMARY KEY NOT NULL,
	"position" text,
	"epoch" bigint NOT NULL
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
CREATE INDEX "idx_tracks_enrichment_timestamp" ON "tracks" USING btree ("enrichment_timestamp" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "idx_tracks_enrichment_source" ON "tracks" USING btree ("enrichment_source_api") WHERE "tracks"."enrichment_source_api" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "idx_tracks_enrichment_staleness" ON "tracks" USING btree ("enrichment_source_api","enrichment_timestamp");--> statement-breakpoint
CREATE INDEX "idx_tracks_camelot_key" ON "tracks" USING btree ("camelot_key");