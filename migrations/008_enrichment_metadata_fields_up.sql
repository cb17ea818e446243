-- Migration 008 of the deployment guide, applied to the table `tracks` that the session's search_path finds:
--   psql -f migrations/008_enrichment_metadata_fields_up.sql
-- All or nothing, and safe to repeat. The read model `enrichment.tracks` has all of it already. To a table of your own
-- it adds the columns but nothing fills them: `migrate --attach` adds and fills. drizzle runs only the files that its
-- journal names, so it passes over this one.
DO $migration$
DECLARE
  tracks regclass := to_regclass('tracks');
  nsp text;
  wanted record;
  there text;
  attached boolean := false;
  list text;
BEGIN
  PERFORM set_config('lock_timeout', '5s', true);
  SELECT n.nspname INTO nsp FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = tracks AND c.relkind IN ('r', 'p');
  IF nsp IS NULL THEN
    RAISE EXCEPTION 'There is no table "tracks" in the search_path (%).', current_setting('search_path')
      USING HINT = 'Make the read models with "migrate" and put their schema on the path: '
        'ALTER ROLE ... SET search_path = enrichment, public; or create your own table first.';
  END IF;

  FOR wanted IN SELECT * FROM (VALUES
    ('enrichment_timestamp', 'timestamp with time zone'),
    ('enrichment_source_api', 'character varying(50)'),
    ('source_data_version', 'character varying(100)'),
    ('camelot_key', 'character varying(3)'),
    ('tempo_confidence', 'numeric(3,2)')) AS c(name, type)
  LOOP
    SELECT format_type(atttypid, atttypmod) INTO there FROM pg_attribute
     WHERE attrelid = tracks AND attname = wanted.name AND NOT attisdropped;
    IF there IS NULL THEN
      EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', tracks, wanted.name, wanted.type);
    ELSIF there <> wanted.type THEN
      RAISE EXCEPTION 'The column % of % is %, not %.', wanted.name, tracks, there, wanted.type
        USING HINT = 'Rename that column first.';
    END IF;
  END LOOP;

  FOR wanted IN SELECT * FROM (VALUES
    ('tracks_camelot_key_check', $$camelot_key ~ '^(1[0-2]|[1-9])[AB]$'$$),
    ('tracks_tempo_confidence_check', 'tempo_confidence BETWEEN 0 AND 1')) AS c(name, condition)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = tracks AND conname = wanted.name) THEN
      EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s)', tracks, wanted.name, wanted.condition);
    END IF;
  END LOOP;

  FOR wanted IN SELECT * FROM (VALUES
    ('idx_tracks_enrichment_timestamp', '(enrichment_timestamp DESC NULLS LAST)'),
    ('idx_tracks_enrichment_source', '(enrichment_source_api) WHERE enrichment_source_api IS NOT NULL'),
    ('idx_tracks_enrichment_staleness', '(enrichment_source_api, enrichment_timestamp)'),
    ('idx_tracks_camelot_key', '(camelot_key)')) AS i(name, definition)
  LOOP
    -- IF NOT EXISTS would take an index of another table for it.
    IF NOT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE i.indrelid = tracks AND c.relname = wanted.name) THEN
      EXECUTE format('CREATE INDEX %I ON %s %s', wanted.name, tracks, wanted.definition);
    END IF;
  END LOOP;

  -- An attached table has the view that "migrate --attach" made, which counts what the read model knows.
  IF to_regclass('enrichment_attach.attachment') IS NOT NULL THEN
    SELECT EXISTS (SELECT FROM enrichment_attach.attachment a
                    WHERE to_regclass(format('%I.%I', a.table_schema, a.table_name)) = tracks) INTO attached;
  END IF;
  IF attached THEN
    RETURN;
  END IF;

  -- A count over columns that this table does not have is 0.
  SELECT string_agg(line, ', ' ORDER BY kind, at) INTO list FROM (
    SELECT at, kind, format(CASE kind WHEN 1 THEN '%s AS %I'
                              ELSE 'round(100.0 * %s / nullif(count(*), 0), 2) AS %I' END,
                            format('count(*) FILTER (WHERE %s)', CASE WHEN complete THEN condition ELSE 'false' END),
                            CASE kind WHEN 1 THEN name ELSE 'pct_' || replace(name, 'with_', '') END) AS line
      FROM (SELECT at, name, condition, (
              SELECT count(*) = cardinality(needs) FROM pg_attribute
               WHERE attrelid = tracks AND attname = ANY (needs) AND NOT attisdropped) AS complete
              FROM (VALUES
        (1, 'with_spotify', ARRAY['spotify_id'], 'spotify_id IS NOT NULL'),
        (2, 'with_musicbrainz', ARRAY['musicbrainz_id'], 'musicbrainz_id IS NOT NULL'),
        (3, 'with_bpm', ARRAY['bpm'], 'bpm IS NOT NULL'),
        (4, 'with_audio_features', ARRAY['energy', 'danceability', 'valence'],
            'energy IS NOT NULL AND danceability IS NOT NULL AND valence IS NOT NULL'),
        (5, 'enriched', ARRAY['enrichment_timestamp'], 'enrichment_timestamp IS NOT NULL'),
        (6, 'stale_30d', ARRAY['enrichment_timestamp'], $$enrichment_timestamp < now() - interval '30 days'$$),
        (7, 'stale_90d', ARRAY['enrichment_timestamp'], $$enrichment_timestamp < now() - interval '90 days'$$)
      ) AS counted(at, name, needs, condition)) AS known, generate_series(1, 2) AS kind
  ) AS lines;
  EXECUTE format('CREATE OR REPLACE VIEW %I.enrichment_coverage_stats AS SELECT count(*) AS total, %s FROM %s AS t',
                 nsp, list, tracks);
END
$migration$;
