import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Changes, FactAt, FreshRows, ReadModel, StreamEvent } from './read-model.ts';
import { createRowWriter } from './row-writer.ts';
import { type TaskRow, tasks } from './schema.ts';
import { applyToTask, changeTask, type TaskDraft } from './tasks.ts';

const writer = createRowWriter<TaskRow>(tasks, ['stream', 'task_id']);

/** What became of every task: a row for each task of each stream. */
export const tasksModel: ReadModel = {
  name: 'tasks',
  follows: () => true,
  async load(client, streams) {
    if (streams.length === 0) return changesTo([]);
    const rows = await drizzle(client)
      .select()
      .from(tasks)
      .where(eq(tasks.stream, sql`ANY(${sql.param([...streams])})`));
    return changesTo(rows);
  },
  fresh: freshRows,
  async saveFresh(client, rows) {
    for (const some of rows) await writer.copy(client, some);
  },
};

/** The tasks of one stream: as the table has them, and as they are now. */
interface StreamTasks {
  readonly before: Map<string, TaskRow>;
  readonly now: Map<string, TaskRow>;
}

function changesTo(loaded: readonly TaskRow[]): Changes {
  const streams = new Map<string, StreamTasks>();
  const tasksOf = (stream: string): StreamTasks => {
    let known = streams.get(stream);
    if (known === undefined) {
      known = { before: new Map(), now: new Map() };
      streams.set(stream, known);
    }
    return known;
  };
  for (const row of loaded) {
    const { before, now } = tasksOf(row.stream);
    before.set(row.taskId, row);
    now.set(row.taskId, row);
  }
  return {
    apply: (event) => applyToStream(tasksOf(event.stream).now, event, applyToTask),
    async save(client) {
      const added: TaskRow[] = [];
      const changed: TaskRow[] = [];
      const gone: TaskRow[] = [];
      for (const { before, now } of streams.values()) {
        for (const [taskId, row] of now) {
          if (!before.has(taskId)) added.push(row);
          else if (before.get(taskId) !== row) changed.push(row);
        }
        for (const [taskId, row] of before) if (!now.has(taskId)) gone.push(row);
      }
      await writer.insert(client, added);
      await writer.upsert(client, changed);
      if (gone.length === 0) return;
      await client.query(
        'DELETE FROM tasks WHERE (stream, task_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))',
        [gone.map(({ stream }) => stream), gone.map(({ taskId }) => taskId)],
      );
    },
  };
}

function applyToStream<Row extends TaskRow>(
  rows: Map<string, Row>,
  { stream, revision, event }: StreamEvent,
  next: (row: Row | null, stream: string, fact: FactAt) => Row | null,
): void {
  if (event.type === 'Erased') {
    for (const [taskId, row] of rows) if (row.revision < revision) rows.delete(taskId);
    return;
  }
  const { taskId } = event.meta;
  const before = rows.get(taskId) ?? null;
  const after = next(before, stream, { event, revision });
  if (after !== before && after !== null) rows.set(taskId, after);
}

function freshRows(): FreshRows {
  const rows = writer.bytes();
  let tasksOfStream = new Map<string, TaskDraft>();
  return {
    apply: (event) => applyToStream(tasksOfStream, event, changeTask),
    settle() {
      for (const row of tasksOfStream.values()) rows.add(row);
      // One that is cleared goes on to know the memory that it takes next: V8 would keep all of it until it looks through
      // the whole heap.
      tasksOfStream = new Map();
    },
    take: rows.take,
  };
}
