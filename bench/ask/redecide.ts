import { loadavg } from 'node:os';
import { defaultRules } from '../../src/domain/rules.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { eventsOf } from '../../src/ledger/streams-page.ts';
import { redecideAll } from '../../src/redecision/redecide-all.ts';
import { trackVerdicts } from '../../src/redecision/track-verdicts.ts';
import { createPageMemory } from '../../src/threads/page-memory.ts';

const signal = new AbortController().signal;
const noIds = async function* () {};

/** Streams read and dropped, then read and decided again: a pair in one run. */
export async function measureRedecide(url: string): Promise<string> {
  const ledger = await openPostgresLedger({ url });
  try {
    const read = await timed(() => readAll(ledger));
    const decided = await timed(() =>
      redecideAll({
        verdicts: trackVerdicts({ ledger, rules: defaultRules, trackIds: noIds, signal }),
        signal,
        apply: null,
        onChange: () => undefined,
        onFailure: (trackId, reason) => {
          throw new Error(`${trackId}: ${reason}`);
        },
        onProgress: () => undefined,
      }).then(({ tracks }) => tracks),
    );
    return [
      `redecide --dry-run: ${figures(decided)}, peak RSS ${decided.peakMb} MB`,
      `reading alone: ${figures(read)}; ${(decided.rate / read.rate).toFixed(2)} of it; load ${loadavg()[0]?.toFixed(1)}`,
    ].join('\n');
  } finally {
    await ledger.close();
  }
}

async function readAll(ledger: Ledger): Promise<number> {
  const upTo = (await ledger.head()) ?? '0';
  let tracks = 0;
  let last = '';
  const pages =
    ledger.streams?.({ prefixes: ['track-'], upTo, afterStream: null, memory: createPageMemory(), signal }) ??
    [];
  for await (const page of pages) {
    for (const events of eventsOf(page)) {
      for (const { stream } of events) {
        if (stream !== last) tracks += 1;
        last = stream;
      }
    }
  }
  return tracks;
}

interface Timed {
  readonly rate: number;
  readonly cpuUsPerTrack: number;
  readonly peakMb: number;
}

async function timed(work: () => Promise<number>): Promise<Timed> {
  let peak = 0;
  const look = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 50);
  const [startMs, before] = [performance.now(), process.cpuUsage()];
  const tracks = await work().finally(() => clearInterval(look));
  const { user, system } = process.cpuUsage(before);
  return {
    rate: tracks / ((performance.now() - startMs) / 1000),
    cpuUsPerTrack: (user + system) / tracks,
    peakMb: Math.round(peak / 1024 / 1024),
  };
}

function figures({ rate, cpuUsPerTrack }: Timed): string {
  return `${Math.round(rate)} tracks/s, ${cpuUsPerTrack.toFixed(0)} us of processor time a track`;
}
