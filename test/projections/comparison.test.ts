import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/projections/database.ts';
import { differencesOf } from '../../src/projections/row-differences.ts';
import { digestOf } from '../../src/projections/table-digest.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { runs, within } from '../support/runs.ts';

const columns = ['k', 'n', 'a', 'b', 'list', 'doc', 'big', 'half', 'at', 'short'] as const;

let database: FreshDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await freshDatabase();
  client = await connect(database.url, 'public');
  for (const schema of ['one', 'other']) {
    await client.query(`CREATE SCHEMA ${schema}`);
    await client.query(
      `CREATE TABLE ${schema}.things (k text NOT NULL, n int NOT NULL, a text, b text, list text[], doc jsonb, big bigint,
         half double precision, at timestamptz, short numeric(3,2), PRIMARY KEY (k, n))`,
    );
  }
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** Few values that are near to each other, as text above all. */
const text = fc.option(
  fc.constantFrom('', ' ', ',', '"', '""', '(,)', 'NULL', 'a', 'a,', '\\', '\\\\', '\n', 'é', 'e\u0301'),
);
const cells = {
  a: text,
  b: text,
  list: fc.option(fc.array(fc.constantFrom('', ',', '"', 'NULL', 'a,b', 'a', 'b', '{}'), { maxLength: 2 })),
  doc: fc.option(fc.constantFrom('{}', '[]', 'null', '"null"', '{"a":1}', '{"a":"1"}', '[1,2]', '[2,1]')),
  big: fc.option(fc.constantFrom('0', '9007199254740992', '9007199254740993', '-1')),
  half: fc.option(fc.constantFrom('0', '-0', '0.1', '0.10000000000000002', 'NaN', '1e300')),
  at: fc.option(
    fc.constantFrom(
      '2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00.000001Z',
      '2026-01-01T01:00:00Z',
      'infinity',
    ),
  ),
  short: fc.option(fc.constantFrom('0', '0.10', '0.1', '1')),
};
const row = fc.record({ k: fc.constantFrom('', 'x', 'y', ','), n: fc.nat(2), ...cells });
type Row = typeof row extends fc.Arbitrary<infer Value> ? Value : never;

const rows = fc.uniqueArray(row, { selector: ({ k, n }) => `${k} ${n}`, maxLength: 6 });

/** Two sets of rows: independent, or the second like the first but for a few cells, in another order. */
const twoSets = fc.oneof(
  fc.tuple(rows, rows),
  rows.chain((set) =>
    fc
      .record({
        order: fc.shuffledSubarray(set, { minLength: Math.max(0, set.length - 1), maxLength: set.length }),
        changes: fc.array(fc.tuple(fc.nat(), fc.record(cells, { requiredKeys: [] })), { maxLength: 2 }),
      })
      .map(({ order, changes }): [Row[], Row[]] => {
        const after = [...order];
        for (const [any, change] of changes) {
          const at = any % Math.max(1, after.length);
          const before = after[at];
          if (before !== undefined) after[at] = { ...before, ...change };
        }
        return [set, after];
      }),
  ),
);

async function put(schema: string, set: readonly Row[]): Promise<void> {
  await client.query(`TRUNCATE ${schema}.things`);
  for (const one of set) {
    await client.query({
      name: `put-${schema}`,
      text: `INSERT INTO ${schema}.things (${columns.join()}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      values: columns.map((column) => one[column]),
    });
  }
}

/** Equal as the database would store them. */
const stored: Readonly<Record<string, (value: unknown) => string>> = {
  doc: (value) => JSON.stringify(value === null ? null : [JSON.parse(String(value))]),
  short: (value) => JSON.stringify(value === null ? null : Number(value)),
};
const cellOf = (one: Row, column: (typeof columns)[number]) => {
  const value = one[column];
  return stored[column]?.(value) ?? JSON.stringify(value);
};
const keyOf = ({ k, n }: Row) => JSON.stringify([k, n]);

function model(before: readonly Row[], after: readonly Row[]) {
  const known = new Map(before.map((one) => [keyOf(one), one]));
  const perColumn: Record<string, number> = {};
  const counts = { added: 0, removed: 0, changed: 0 };
  for (const one of after) {
    const old = known.get(keyOf(one));
    known.delete(keyOf(one));
    if (old === undefined) {
      counts.added += 1;
      continue;
    }
    const differing = columns.filter((column) => cellOf(old, column) !== cellOf(one, column));
    for (const column of differing) perColumn[column] = (perColumn[column] ?? 0) + 1;
    if (differing.length > 0) counts.changed += 1;
  }
  counts.removed = known.size;
  return { ...counts, perColumn };
}

describe('two tables', () => {
  it(
    'have one digest if and only if they have the same rows, in any order, and differ as a model says',
    async () => {
      await fc.assert(
        fc.asyncProperty(twoSets, async ([before, after]) => {
          await put('one', before);
          await put('other', after);
          const expected = model(before, after);
          const [one, other] = [
            await digestOf(client, 'one', 'things', columns),
            await digestOf(client, 'other', 'things', columns),
          ];
          const isEqual = expected.added + expected.removed + expected.changed === 0;
          expect(one.digest === other.digest && one.rows === other.rows).toBe(isEqual);
          await client.query('BEGIN');
          const options = {
            table: 'things',
            keys: ['k', 'n'],
            columns,
            before: 'one',
            after: 'other',
            samplesMax: 4,
          };
          const found = await differencesOf(client, options).finally(() => client.query('ROLLBACK'));
          const { added, removed, changed, samples } = found;
          expect({
            added,
            removed,
            changed,
            perColumn: Object.fromEntries(found.columns.map(({ column, rows }) => [column, rows])),
          }).toEqual(expected);
          expect(samples).toHaveLength(Math.min(4, added + removed + changed));
          for (const sample of samples) {
            expect(sample.columns.length > 0).toBe(sample.before !== null && sample.after !== null);
          }
        }),
        runs(200, 100_000),
      );
    },
    within(120_000),
  );
});
