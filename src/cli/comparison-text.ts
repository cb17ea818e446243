import type { Comparison, TableComparison } from '../projections/compare.ts';
import type { RowDifference } from '../projections/row-differences.ts';
import { numberText } from './number-text.ts';
import { formatTable } from './table.ts';
import { shown } from './visible-text.ts';

const columnsShownMax = 8;
const valueColumnsMax = 60;

/** What a comparison found, for a person: counts, then columns, then the first rows with what they were and are. */
export function comparisonText({ tables, changes }: Comparison): string {
  const counts = formatTable(
    [
      ['', 'rows', 'added', 'removed', 'changed', 'digest'],
      ...tables.map(({ table, after, before, added, removed, changed }) => [
        table,
        numberText(after.rows),
        numberText(added),
        numberText(removed),
        numberText(changed),
        after.digest === before.digest && after.rows === before.rows ? 'equal' : 'differs',
      ]),
    ],
    { right: [1, 2, 3, 4] },
  );
  const details = tables.flatMap(tableDetails);
  const verdict = changes === 0 ? 'No row differs.' : `${numberText(changes)} rows differ.`;
  return `${[counts, ...details, verdict].join('\n\n')}\n`;
}

function tableDetails({ table, columns, samples, onlyBefore, onlyAfter }: TableComparison): string[] {
  const details: string[] = [];
  if (onlyAfter.length > 0) details.push(`${table} has new columns: ${onlyAfter.join(', ')}.`);
  if (onlyBefore.length > 0) details.push(`${table} no longer has: ${onlyBefore.join(', ')}.`);
  if (columns.length > 0) {
    const most = columns
      .slice(0, columnsShownMax)
      .map(({ column, rows }) => `${column} in ${numberText(rows)}`);
    details.push(`${table} differs by column: ${most.join(', ')}.`);
  }
  if (samples.length > 0) details.push(samples.map(sampleText).join('\n'));
  return details;
}

function sampleText(sample: RowDifference): string {
  const { table, before, after, columns } = sample;
  const row = after ?? before ?? {};
  const key =
    table === 'tracks'
      ? row.track_id
      : table === 'tasks'
        ? `${row.stream} ${row.task_id}`
        : `${row.provider} ${row.hour}`;
  const head = `${table} ${shown(String(key), valueColumnsMax)}${causeText(sample.event)}`;
  if (before === null) return `+ ${head}`;
  if (after === null) return `- ${head}`;
  const lines = columns.map(
    (column) => `    ${column}: ${valueText(before[column])} → ${valueText(after[column])}`,
  );
  return [`~ ${head}`, ...lines].join('\n');
}

function causeText(event: RowDifference['event']): string {
  return event === undefined || event === null
    ? ''
    : ` (by ${event.type} ${event.id}, revision ${event.revision})`;
}

function valueText(value: unknown): string {
  return shown(JSON.stringify(value) ?? 'null', valueColumnsMax);
}
