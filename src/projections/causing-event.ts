import { trackStream } from '../domain/stream-names.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ColumnProvenance } from './provenance.ts';
import type { CausingEvent, RowDifference } from './row-differences.ts';

/**
 * The event that a difference comes from: of a column of `tracks` that was filled by a provider's answer, that answer;
 * else the newest event that the newer row has taken, or the old one where there is no newer. Null for `metrics`, whose
 * rows are sums over many, and where the ledger no longer has it.
 */
export async function causingEvent(
  ledger: Pick<Ledger, 'read'>,
  difference: RowDifference,
): Promise<CausingEvent | null> {
  const place = placeOf(difference);
  // Tables of another version may not tell.
  if (place === null || !Number.isInteger(place.revision)) return null;
  const [event] = await ledger.read(place.stream, { from: place.revision, maxCount: 1 });
  if (event?.revision !== place.revision) return null;
  const { stream, revision, id, type } = event;
  return { stream, revision, id, type };
}

function placeOf({
  table,
  before,
  after,
  columns,
}: RowDifference): Pick<CausingEvent, 'stream' | 'revision'> | null {
  const row = after ?? before;
  if (row === null) return null;
  if (table === 'tasks') return { stream: String(row.stream), revision: Number(row.revision) };
  if (table !== 'tracks') return null;
  const stream = trackStream(String(row.track_id));
  const provenance = (after?.provenance ?? {}) as Readonly<Record<string, ColumnProvenance | undefined>>;
  const source = columns.map((column) => provenance[column]).find((one) => one !== undefined);
  return { stream, revision: Number(source?.revision ?? row.stream_revision) };
}
