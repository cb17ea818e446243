import { type Ledger, type RecordedEvent, readCountMax } from './ledger.ts';

/** The events of a stream from one revision to another, both inclusive, in as many reads as it takes. */
export async function readRange(
  ledger: Pick<Ledger, 'read'>,
  stream: string,
  from = 0,
  to = Number.POSITIVE_INFINITY,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (let next = from; next <= to; ) {
    const maxCount = Math.min(readCountMax, to - next + 1);
    const page = await ledger.read(stream, { from: next, maxCount });
    events.push(...page.filter(({ revision }) => revision <= to));
    const last = page.at(-1);
    if (last === undefined || page.length < maxCount) break;
    next = last.revision + 1;
  }
  return events;
}
