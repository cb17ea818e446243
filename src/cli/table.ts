import { columnsOf, pad } from './visible-text.ts';

/**
 * Rows of cells in aligned columns, two spaces apart, without spaces at the ends of lines.
 *
 * @param options.right the columns that are aligned to the right, from 0
 */
export function formatTable(
  rows: readonly (readonly string[])[],
  options: { readonly right?: readonly number[]; readonly indent?: number } = {},
): string {
  const { right = [], indent = 0 } = options;
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, columnsOf(cell));
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, at) => pad(cell, widths[at] ?? 0, right.includes(at) ? 'start' : 'end'));
      return `${' '.repeat(indent)}${cells.join('  ')}`.trimEnd();
    })
    .join('\n');
}
