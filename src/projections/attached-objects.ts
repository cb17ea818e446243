import pg from 'pg';
import { attachedColumns, coverageView } from './attached-columns.ts';
import { type Attachment, attachmentSchema, tableSql } from './attachment.ts';
import { coverageColumnTypes, coverageSelectList } from './coverage.ts';
import { liveSchema } from './database.ts';

const names = attachedColumns.map(({ name }) => name);

/**
 * Runs with the rights of whoever attached the table, so that scrapers and readers need none of ours. The functions
 * find `enrichment.tracks` by name when they run (plpgsql plans again when a schema was renamed), so that they follow
 * a rebuild, whose tables take over the names.
 */
const asAttacher = 'LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp';

/** PostgreSQL fires triggers of one kind by name: ours see what the table's own have made of the row. */
export const attachedTriggers = ['zz_enrichment_fill', 'zz_enrichment_log'] as const;

/** The schema that holds what is attached, and the log of what the projector has still to look at. */
export const attachmentTables = `
  CREATE SCHEMA ${attachmentSchema};
  CREATE TABLE ${attachmentSchema}.attachment (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    table_schema text NOT NULL,
    table_name text NOT NULL,
    key_column text NOT NULL,
    columns text[] NOT NULL,
    constraints text[] NOT NULL,
    indexes text[] NOT NULL,
    view_before text,
    attached_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE ${attachmentSchema}.inserted (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL
  );
  COMMENT ON TABLE ${attachmentSchema}.inserted IS
    'Keys of rows that the projector has still to look at; it grows by a row an insert while no projector runs.'`;

/**
 * The triggers. A row gets its values as it is inserted. What the projector is about to commit cannot be seen then,
 * so its key is also noted. The log has no unique key: with one, two inserts of a key would wait for each other.
 */
export function attachedTriggersSql(attachment: Pick<Attachment, 'schema' | 'table' | 'key'>): string {
  const key = pg.escapeIdentifier(attachment.key);
  const fill = `
    DECLARE
      known record;
    BEGIN
      IF NEW.${key} IS NOT NULL THEN
        SELECT ${names.map((name) => `t.${name}`).join(', ')} INTO known
          FROM ${liveSchema}.tracks t WHERE t.track_id = NEW.${key}::text;
        IF FOUND THEN
          ${names.map((name) => `NEW.${name} := known.${name};`).join(' ')}
        END IF;
      END IF;
      RETURN NEW;
    EXCEPTION WHEN OTHERS THEN
      -- The row counts more than its values, which the projector brings later.
      RETURN NEW;
    END`;
  const log = `
    BEGIN
      INSERT INTO ${attachmentSchema}.inserted (key)
      SELECT n.${key}::text FROM new_rows n WHERE n.${key} IS NOT NULL;
      RETURN NULL;
    END`;
  const [fills, logs] = attachedTriggers;
  return `
    CREATE FUNCTION ${attachmentSchema}.fill() RETURNS trigger ${asAttacher} AS ${pg.escapeLiteral(fill)};
    CREATE FUNCTION ${attachmentSchema}.log() RETURNS trigger ${asAttacher} AS ${pg.escapeLiteral(log)};
    CREATE TRIGGER ${fills} BEFORE INSERT ON ${tableSql(attachment)}
      FOR EACH ROW EXECUTE FUNCTION ${attachmentSchema}.fill();
    CREATE TRIGGER ${logs} AFTER INSERT ON ${tableSql(attachment)} REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION ${attachmentSchema}.log()`;
}

/** The coverage of the attached table's rows, by what the read model knows of them. */
export function attachedViewSql(attachment: Pick<Attachment, 'schema' | 'table' | 'key'>): string {
  const body = `
    #variable_conflict use_column
    BEGIN
      RETURN QUERY SELECT ${coverageSelectList}
        FROM (SELECT t.* FROM ${tableSql(attachment)} f
                LEFT JOIN ${liveSchema}.tracks t ON t.track_id = f.${pg.escapeIdentifier(attachment.key)}::text
             ) AS tracks;
    END`;
  return `
    CREATE FUNCTION ${attachmentSchema}.coverage() RETURNS TABLE (${coverageColumnTypes}) STABLE ${asAttacher}
      AS ${pg.escapeLiteral(body)};
    CREATE OR REPLACE VIEW ${tableSql({ schema: attachment.schema, table: coverageView })} AS
      SELECT * FROM ${attachmentSchema}.coverage()`;
}
