import { formatHistory } from '../../src/cli/timeline.ts';
import { readableEvents } from '../../src/cli/track-session.ts';
import { whyText } from '../../src/cli/why-text.ts';
import { explain } from '../../src/domain/explain.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { rowAsOf } from '../../src/projections/as-of.ts';
import { columnChanges } from '../../src/projections/stored-row.ts';
import { trackRecordOf } from '../../src/projections/track-columns.ts';
import { trackEvents } from './tracks.ts';

const trackNumber = 1_000_000_000;
const tasks = 200;
const repetitions = 21;
/** An append has a limit in bytes. */
const appendEvents = 100;

/** Questions about one track of 1,000 events, from reading the stream to the text. */
export async function measureQuestions(url: string): Promise<string> {
  const ledger = await openPostgresLedger({ url });
  try {
    const { trackId, events } = trackEvents(trackNumber, tasks);
    const stream = trackStream(trackId);
    const there = (await ledger.read(stream)).length;
    for (let from = there; from < events.length; from += appendEvents) {
      const part = events.slice(from, from + appendEvents);
      await ledger.append(stream, from === 0 ? 'no-stream' : from - 1, part);
    }
    const read = () => ledger.read(stream);
    const lines = [
      `${events.length} events of track ${trackId}:`,
      await median('read', async () => void (await read())),
      await median('history', async () => void formatHistory(readableEvents(await read()))),
      await median('why genre', async () => {
        whyText(explain(readableEvents(await read()), 'genre'), trackId);
      }),
      await median('why bpm (no value)', async () => {
        whyText(explain(readableEvents(await read()), 'bpm'), trackId);
      }),
      await median('as of revision 900', async () => void rowAsOf(trackId, await read(), { revision: 900 })),
      await median('diff 1 to 900', async () => {
        const recorded = await read();
        const at = (revision: number) => {
          const { row } = rowAsOf(trackId, recorded, { revision });
          return row === null ? null : trackRecordOf(row);
        };
        columnChanges(at(1), at(900));
      }),
    ];
    return lines.join('\n  ');
  } finally {
    await ledger.close();
  }
}

async function median(name: string, question: () => Promise<void>): Promise<string> {
  const before = process.cpuUsage();
  const times: number[] = [];
  for (let n = 0; n < repetitions; n++) {
    const startMs = performance.now();
    await question();
    times.push(performance.now() - startMs);
  }
  times.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000 / repetitions;
  return `${name}: median ${times[repetitions >> 1]?.toFixed(1)} ms, most ${times.at(-1)?.toFixed(1)} ms, processor ${cpuMs.toFixed(1)} ms`;
}
