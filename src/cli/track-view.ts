import { isProvider } from '../domain/provider.ts';
import { trackFields } from '../domain/track-values.ts';
import type { ColumnProvenance } from '../projections/provenance.ts';
import type { TrackRow } from '../projections/schema.ts';
import { columnOf } from '../projections/track-columns.ts';
import type { TrackView } from './timeline.ts';

/** A row as `track show` prints it. */
export function trackViewOf(row: TrackRow): TrackView {
  const provenance = row.provenance as Readonly<Partial<Record<string, ColumnProvenance>>>;
  return {
    ...row,
    sources: row.enrichmentSources.filter(isProvider),
    enrichedAt: row.enrichmentTimestamp,
    values: trackFields.flatMap((field) => {
      const value = row[field];
      const column = columnOf(field);
      const from = provenance[column];
      return value === null || from === undefined ? [] : [{ column, value, ...from }];
    }),
  };
}
