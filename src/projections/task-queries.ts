import { and, desc, eq, ne, or, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { connectPool } from './database.ts';
import { type TaskRow, tasks } from './schema.ts';

/** Which dead letters are meant; what is left out does not narrow. */
export interface DeadLetterFilter {
  readonly reason?: string;
  readonly provider?: string;
  readonly source?: string;
  /** Failed at or after, ISO 8601. */
  readonly since?: string;
  /** In artist, title, message or task id, in any case. */
  readonly text?: string;
  readonly taskIds?: readonly string[];
  /** True: also those that were replayed or dismissed. */
  readonly settled?: boolean;
}

/** Questions about tasks. */
export interface TaskQueries {
  /**
   * Dead letters, newest first. A track that nobody knows is an answer, not trouble: those come only where their
   * reason or id is asked for.
   */
  deadLetters(filter: DeadLetterFilter, limit: number): Promise<readonly TaskRow[]>;
  /** How many there are by reason, the most first. */
  countDeadLetters(
    filter: DeadLetterFilter,
  ): Promise<readonly { readonly reason: string; readonly count: number }[]>;
  /**
   * Tasks that stand still, the longest first: unfinished ones that were due, or last heard of, before `before`;
   * finished ones that name a left-out provider, due before, whose follow-up never arrived; failed ones that were
   * replayed before, and the replay never arrived.
   */
  overdue(before: string, limit: number): Promise<readonly Pick<TaskRow, 'stream' | 'taskId'>[]>;
  close(): Promise<void>;
}

const connectionsMax = 2;

export function openTaskQueries({ url }: { readonly url: string }): TaskQueries {
  const pool = connectPool(url, connectionsMax);
  const db = drizzle(pool);
  return {
    deadLetters: (filter, limit) =>
      db
        .select()
        .from(tasks)
        .where(matching(filter))
        .orderBy(desc(tasks.decidedAt), tasks.taskId)
        .limit(limit),
    countDeadLetters: (filter) =>
      db
        .select({ reason: sql<string>`${tasks.failureReason}`, count: sql<number>`count(*)::int` })
        .from(tasks)
        .where(matching(filter))
        .groupBy(tasks.failureReason)
        .orderBy(sql`count(*) DESC`, tasks.failureReason),
    async overdue(before, limit) {
      const { rows } = await pool.query<{ stream: string; task_id: string }>(
        `SELECT stream, task_id, updated_at FROM tasks
          WHERE status IN ('open', 'waiting') AND coalesce(due_at, updated_at) < $1
         UNION ALL
         SELECT t.stream, t.task_id, t.updated_at FROM tasks t
          WHERE t.status = 'failed' AND t.settlement = 'replayed' AND t.settled_at < $1 AND NOT EXISTS (
            SELECT FROM tasks r WHERE r.stream = t.stream AND r.task_id = t.replayed_as)
         UNION ALL
         SELECT t.stream, t.task_id, t.updated_at FROM tasks t
          WHERE t.status = 'enriched' AND t.left_out <> '[]'::jsonb AND EXISTS (
            SELECT FROM jsonb_array_elements(t.left_out) AS one
             WHERE (one->>'until')::timestamptz < $1 AND t.decided_at < $1 AND NOT EXISTS (
               SELECT FROM tasks f WHERE f.stream = t.stream AND f.of_task_id = t.task_id
                  AND f.origin = 'follow-up' AND f.provider = one->>'provider'))
         ORDER BY updated_at, task_id LIMIT $2`,
        [before, limit],
      );
      return rows.map(({ stream, task_id: taskId }) => ({ stream, taskId }));
    },
    close: () => pool.end(),
  };
}

/** A replay that never arrived settles nothing: whoever replays the same again publishes it again. */
const unsettled = sql`(${tasks.settlement} IS NULL OR (${tasks.settlement} = 'replayed' AND NOT EXISTS (
  SELECT FROM tasks arrived WHERE arrived.stream = ${tasks.stream} AND arrived.task_id = ${tasks.replayedAs})))`;

function matching(filter: DeadLetterFilter): SQL | undefined {
  const { reason, provider, source, since, text, taskIds, settled = false } = filter;
  const like = text === undefined ? '' : `%${text.replace(/[\\%_]/g, String.raw`\$&`)}%`;
  const everyone = reason === undefined && taskIds === undefined;
  return and(
    eq(tasks.status, 'failed'),
    settled ? undefined : unsettled,
    everyone ? ne(sql`coalesce(${tasks.failureReason}, '')`, 'not_found') : undefined,
    reason === undefined ? undefined : eq(tasks.failureReason, reason),
    provider === undefined ? undefined : sql`${tasks.leftOut} @> ${JSON.stringify([{ provider }])}::jsonb`,
    source === undefined ? undefined : eq(tasks.source, source),
    since === undefined ? undefined : sql`${tasks.decidedAt} >= ${since}::timestamptz`,
    taskIds === undefined ? undefined : sql`${tasks.taskId} = ANY(${sql.param([...taskIds])})`,
    text === undefined
      ? undefined
      : or(
          sql`${tasks.artist} || ' ' || ${tasks.title} ILIKE ${like}`,
          sql`${tasks.failureMessage} ILIKE ${like}`,
          sql`${tasks.taskId} ILIKE ${like}`,
        ),
  );
}
