import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCopyBinary } from '../../src/projections/copy-binary.ts';
import { copyIn } from '../../src/projections/copy-in.ts';
import { connect } from '../../src/projections/database.ts';
import { anyTime } from '../support/generators.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { runs, within } from '../support/runs.ts';

const columns =
  'n integer, name text, short varchar(40), whole integer, large bigint, real double precision, share numeric(3, 2), at timestamptz, json jsonb, list text[]';

const anyText = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replaceAll('\0', ''));
const anyJson = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll(/\\u(?:0000|d[89a-f]..)/g, '?')) as unknown);

/** A value of each type, or none. */
const anyRow = fc.record({
  name: fc.option(
    fc.oneof(
      anyText,
      fc.integer({ min: 0, max: 300_000 }).map((length) => 'é'.repeat(length)),
    ),
  ),
  short: fc.option(anyText.map((text) => [...text].slice(0, 40).join(''))),
  whole: fc.option(fc.integer()),
  large: fc.option(fc.maxSafeInteger()),
  real: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  share: fc.option(
    fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(1000).map((n) => n / 1000),
      fc.constantFrom(0, 1, 1e-7, 5e-324, 0.005, 0.995),
    ),
  ),
  at: fc.option(fc.oneof(anyTime, fc.constantFrom('1000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'))),
  json: fc.option(anyJson),
  list: fc.option(fc.array(fc.option(anyText), { maxLength: 4 })),
});
type Row = typeof anyRow extends fc.Arbitrary<infer Value> ? Value : never;

let database: FreshDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await freshDatabase();
  client = await connect(database.url, 'public');
  await client.query(`CREATE TABLE copied (${columns}); CREATE TABLE told (${columns})`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

function bytesOf(rows: readonly Row[]): Uint8Array {
  const binary = createCopyBinary();
  for (const [n, row] of rows.entries()) {
    const put = <Value>(value: Value | null, write: (value: Value) => void) =>
      value === null ? binary.none() : write(value);
    binary.beginRow(10);
    binary.integer(n);
    put(row.name, binary.text);
    put(row.short, (value) => binary.bytes(Buffer.from(value)));
    put(row.whole, binary.integer);
    put(row.large, binary.bigint);
    put(row.real, binary.double);
    put(row.share, binary.numeric);
    put(row.at, binary.time);
    // The null of JSON is another one.
    if (row.json === null) binary.none();
    else binary.jsonb(row.json);
    put(row.list, binary.texts);
  }
  return binary.take();
}

it(
  'a row that is copied is the row that the same values as JSON are',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 20 }), async (rows) => {
        await client.query('TRUNCATE copied, told');
        await copyIn(client, 'copied', bytesOf(rows));
        await client.query('INSERT INTO told SELECT * FROM json_populate_recordset(NULL::told, $1::json)', [
          JSON.stringify(rows.map((row, n) => ({ n, ...row }))),
        ]);
        const { rows: differing } = await client.query(
          `SELECT copied::text AS copied, told::text AS told FROM copied FULL JOIN told USING (n)
            WHERE copied::text IS DISTINCT FROM told::text`,
        );
        expect(differing).toEqual([]);
      }),
      runs(200, 60_000),
    );
  },
  within(90_000),
);

it('nothing is no rows', async () => {
  const binary = createCopyBinary();
  expect(binary.take()).toHaveLength(0);
  await copyIn(client, 'copied', binary.take());
});
