import { getTableColumns, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Client } from 'pg';
import type { RecordedTrackEvent } from '../domain/events.ts';
import { type TaskRow, tasks } from './schema.ts';
import { applyToTask } from './tasks.ts';

const columns = Object.entries(getTableColumns(tasks)).map(([key, { name }]) => ({
  key: key as keyof TaskRow,
  name,
}));
const names = columns.map(({ name }) => `"${name}"`);
const updates = names
  .filter((name) => name !== '"stream"' && name !== '"task_id"')
  .map((name) => `${name} = excluded.${name}`);
const upsert = `INSERT INTO tasks (${names.join(', ')})
  SELECT ${names.join(', ')} FROM json_populate_recordset(NULL::tasks, $1::json)
  ON CONFLICT (stream, task_id) DO UPDATE SET ${updates.join(', ')}`;

/** An event and the stream that it stands in. */
export interface StreamEvent {
  readonly stream: string;
  readonly recorded: RecordedTrackEvent;
}

/** Folds a batch a task in memory and writes each row once. */
export async function applyToTasks(client: Client, events: readonly StreamEvent[]): Promise<void> {
  const keyOf = (stream: string, taskId: string) => `${taskId}\n${stream}`;
  const rows = new Map<string, TaskRow | null>();
  for (const row of await load(client, events)) rows.set(keyOf(row.stream, row.taskId), row);
  /** Streams that were erased, and at which revision. */
  const erased = new Map<string, number>();
  for (const { stream, recorded } of events) {
    if (recorded.event.type === 'Erased') {
      erased.set(stream, recorded.revision);
      for (const [key, row] of rows) {
        if (row?.stream === stream && row.revision < recorded.revision) rows.set(key, null);
      }
      continue;
    }
    const key = keyOf(stream, recorded.event.meta.taskId);
    rows.set(key, applyToTask(rows.get(key) ?? null, stream, recorded));
  }
  for (const [stream, revision] of erased) {
    await client.query('DELETE FROM tasks WHERE stream = $1 AND revision < $2', [stream, revision]);
  }
  const changed = [...rows.values()].filter((row) => row !== null);
  if (changed.length === 0) return;
  const records = changed.map((row) => Object.fromEntries(columns.map(({ key, name }) => [name, row[key]])));
  await client.query({ name: 'tasks-upsert', text: upsert, values: [JSON.stringify(records)] });
}

async function load(client: Client, events: readonly StreamEvent[]): Promise<readonly TaskRow[]> {
  const keys = new Map(
    events.map(({ stream, recorded }) => [
      `${recorded.event.meta.taskId}\n${stream}`,
      { stream, taskId: recorded.event.meta.taskId },
    ]),
  );
  const streams = [...keys.values()].map(({ stream }) => stream);
  const taskIds = [...keys.values()].map(({ taskId }) => taskId);
  return drizzle(client)
    .select()
    .from(tasks)
    .where(
      sql`(${tasks.stream}, ${tasks.taskId}) IN (SELECT * FROM unnest(${sql.param(streams)}::text[], ${sql.param(taskIds)}::text[]))`,
    );
}
