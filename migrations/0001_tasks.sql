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
CREATE INDEX "idx_tasks_unfinished" ON "tasks" USING btree ("updated_at") WHERE "tasks"."status" IN ('open', 'waiting');--> statement-breakpoint
CREATE INDEX "idx_tasks_failed" ON "tasks" USING btree ("decided_at" DESC NULLS LAST) WHERE "tasks"."status" = 'failed';--> statement-breakpoint
CREATE INDEX "idx_tasks_left_out" ON "tasks" USING btree ("decided_at") WHERE "tasks"."status" = 'enriched' AND "tasks"."left_out" <> '[]'::jsonb;--> statement-breakpoint
CREATE INDEX "idx_tasks_task_id" ON "tasks" USING btree ("task_id");--> statement-breakpoint
-- The new table needs the whole history; the rows of "tracks" know what they have seen already.
UPDATE "projection_checkpoint" SET "position" = NULL, "epoch" = "epoch" + 1;
