-- Takes away from the table `tracks` that the session's search_path finds what migration 008 added, with the values.
-- Constraints and indexes go with their columns. Safe to repeat.
DO $migration$
DECLARE
  tracks regclass := to_regclass('tracks');
  nsp text;
  attached boolean := false;
BEGIN
  PERFORM set_config('lock_timeout', '5s', true);
  SELECT n.nspname INTO nsp FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = tracks AND c.relkind IN ('r', 'p');
  IF nsp IS NULL THEN
    RAISE EXCEPTION 'There is no table "tracks" in the search_path (%).', current_setting('search_path');
  END IF;
  IF to_regclass(format('%I.projection_checkpoint', nsp)) IS NOT NULL THEN
    RAISE EXCEPTION '% is the read model, which cannot do without these columns.', tracks
      USING HINT = 'To be rid of the read models, drop their schema.';
  END IF;
  IF to_regclass('enrichment_attach.attachment') IS NOT NULL THEN
    SELECT EXISTS (SELECT FROM enrichment_attach.attachment a
                    WHERE to_regclass(format('%I.%I', a.table_schema, a.table_name)) = tracks) INTO attached;
  END IF;
  IF attached THEN
    RAISE EXCEPTION '% is attached.', tracks USING HINT = 'Detach it with "migrate --detach" first.';
  END IF;
  EXECUTE format('DROP VIEW IF EXISTS %I.enrichment_coverage_stats', nsp);
  EXECUTE format('ALTER TABLE %s DROP COLUMN IF EXISTS enrichment_timestamp, DROP COLUMN IF EXISTS enrichment_source_api, '
    'DROP COLUMN IF EXISTS source_data_version, DROP COLUMN IF EXISTS camelot_key, DROP COLUMN IF EXISTS tempo_confidence',
    tracks);
END
$migration$;
