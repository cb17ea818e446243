import { sql } from 'drizzle-orm';
import { pgView } from 'drizzle-orm/pg-core';
import { tasks } from './schema.ts';

/** Every final failure that no operator has settled, for plain SQL; a track that nobody knows is among them. */
export const dlq = pgView('dlq').as((select) =>
  select
    .select({
      taskId: tasks.taskId,
      trackId: tasks.trackId,
      stream: tasks.stream,
      artist: tasks.artist,
      title: tasks.title,
      source: tasks.source,
      priority: tasks.priority,
      failureReason: tasks.failureReason,
      failureMessage: tasks.failureMessage,
      attempts: tasks.attempts,
      leftOut: tasks.leftOut,
      decidedAt: tasks.decidedAt,
    })
    .from(tasks)
    .where(sql`${tasks.status} = 'failed' AND ${tasks.settlement} IS NULL`),
);
