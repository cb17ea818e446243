import { readStatus, setPause } from '../projections/status.ts';
import { durationText } from './duration-text.ts';
import { counted, numberText } from './number-text.ts';
import type { ReadModelsSession } from './read-models-session.ts';
import { formatTable } from './table.ts';

/** Prints where the read models stand. */
export async function projectionsStatus({ ledger, url }: ReadModelsSession, isJson: boolean): Promise<void> {
  const status = await readStatus({ ledger, url });
  if (isJson) return void process.stdout.write(`${JSON.stringify(status)}\n`);
  const { version, position, pausedBy, behind, parked, isActive, next, previous } = status;
  const events = behind.events === null ? '' : `${counted(behind.events, 'event')}, `;
  const lag =
    behind.bytes === 0
      ? 'none'
      : `${events}${numberText(behind.bytes)} bytes, ${durationText(behind.seconds * 1000)}`;
  const rows = [
    ['version', String(version)],
    ['position', position ?? 'before the first event'],
    ['lag', lag],
    ['projector', pausedBy !== null ? `paused by ${pausedBy}` : isActive ? 'active' : 'none is running'],
    ['parked', parked === 0 ? 'none' : `${counted(parked, 'stream')}: "projections quarantine list"`],
    ['next', next === null ? 'no rebuild under way' : next],
    ['previous', previous === null ? 'none' : `version ${previous}: "projections rollback" goes back to it`],
  ];
  process.stdout.write(`${formatTable(rows)}\n`);
}

export async function setPaused({ url, by }: ReadModelsSession, isPaused: boolean): Promise<void> {
  await setPause(url, isPaused ? by : null);
  process.stdout.write(isPaused ? 'Paused: "projections resume" goes on.\n' : 'Resumed.\n');
}
