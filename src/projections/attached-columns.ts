/** What migration 008 of the deployment guide gives a `tracks` table, under the names that its users know. */

/** Columns and their types, as `format_type` writes them. */
export const attachedColumns = [
  { name: 'enrichment_timestamp', type: 'timestamp with time zone' },
  { name: 'enrichment_source_api', type: 'character varying(50)' },
  { name: 'source_data_version', type: 'character varying(100)' },
  { name: 'camelot_key', type: 'character varying(3)' },
  { name: 'tempo_confidence', type: 'numeric(3,2)' },
] as const;

export const attachedConstraints = [
  { name: 'tracks_camelot_key_check', check: "camelot_key ~ '^(1[0-2]|[1-9])[AB]$'" },
  { name: 'tracks_tempo_confidence_check', check: 'tempo_confidence BETWEEN 0 AND 1' },
] as const;

export const attachedIndexes = [
  { name: 'idx_tracks_enrichment_timestamp', on: '(enrichment_timestamp DESC NULLS LAST)' },
  {
    name: 'idx_tracks_enrichment_source',
    on: '(enrichment_source_api) WHERE enrichment_source_api IS NOT NULL',
  },
  { name: 'idx_tracks_enrichment_staleness', on: '(enrichment_source_api, enrichment_timestamp)' },
  { name: 'idx_tracks_camelot_key', on: '(camelot_key)' },
] as const;

/** Serves the look-up by key as text, where the table's own indexes do not. */
export const keyIndex = 'idx_tracks_enrichment_key';

export const coverageView = 'enrichment_coverage_stats';
