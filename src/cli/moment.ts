import { InvalidArgumentError } from 'commander';
import type { Moment } from '../projections/as-of.ts';
import { timeText } from './time-text.ts';

/**
 * A moment as people type it: a revision, or a time; a time without a zone is UTC, as everything is printed.
 *
 * @throws InvalidArgumentError
 */
export function momentOf(text: string): Moment {
  if (/^\d{1,9}$/.test(text)) return { revision: Number(text) };
  const [, day, clock = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${clock}${zone}`);
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(
      'It takes a revision such as 4, or a time such as 2026-01-31 or 2026-01-31T12:00:00.000Z.',
    );
  return { time: new Date(ms).toISOString() };
}

export function momentText(moment: Moment): string {
  return 'revision' in moment ? `revision ${moment.revision}` : `${timeText(moment.time)} UTC`;
}
