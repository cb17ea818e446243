import { shown } from './visible-text.ts';

/** `2026-01-31 12:00:00.000` of an ISO time in UTC; anything else as it is. */
export function timeText(iso: string): string {
  return shown(iso.replace(/^(\d{4}-\d\d-\d\d)T([\d:.]+)Z$/, '$1 $2'), 30);
}
