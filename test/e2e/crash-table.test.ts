import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import { type Simulator, startSimulator } from '../../src/providers/simulator/simulator.ts';
import { startCli, startModule } from '../support/cli.ts';
import type { CrashPoint } from '../support/crash-point.ts';
import { expectOneDelivery, type Told } from './one-delivery.ts';

const unlimited = Number.POSITIVE_INFINITY;
const track = { artist: 'Copper Finch', title: 'Small Weather' };
const catalogue = [
  { ...track, album: null, year: 2018, durationMs: 192_000, isrc: null, spotifyId: null, mbid: null },
];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'crash-table-'));
  writeFileSync(
    join(folder, 'one.csv'),
    'track_id,artist,title,duration_ms\none,Copper Finch,Small Weather,192000\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type World = Partial<Parameters<typeof startSimulator>[0]>;

async function withSimulator<Value>(
  world: World,
  use: (simulator: Simulator) => Promise<Value>,
): Promise<Value> {
  const simulator = await startSimulator({
    tracks: catalogue,
    port: 0,
    seed: 1,
    unknownShare: 0,
    decoyShare: 0,
    latencyMs: 5,
    faults: noFaults,
    ratesPerSecond: { spotify: unlimited, musicbrainz: unlimited, lastfm: unlimited },
    ...world,
  });
  try {
    return await use(simulator);
  } finally {
    await simulator.close();
  }
}

/** Kills a run at the point, runs it again until it is through, and returns the stream. */
async function cutOffAt(
  name: string,
  point: CrashPoint,
  world: World,
  later: World,
  settings: Record<string, string>,
) {
  const dataDir = join(folder, name);
  const args = [join(folder, 'one.csv'), dataDir];
  const crash = 'test/support/crash-run.ts';
  await withSimulator(world, async ({ environment }) => {
    const killed = await startModule(crash, [...args, JSON.stringify(point)], {
      environment: { ...environment, ...settings },
    }).ended;
    expect(killed, killed.stderr).toMatchObject({ signal: 'SIGKILL' });
  });
  return withSimulator(later, async ({ environment }) => {
    const never = JSON.stringify({ step: 'never' });
    const through = await startModule(crash, [...args, never], {
      environment: { ...environment, ...settings },
    }).ended;
    expect(through.code, through.stderr).toBe(0);
    const { stdout } = await startCli(['track', 'history', 'one', '--json', '--data-dir', dataDir]).ended;
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Told);
  });
}

const outageOf = (provider: 'musicbrainz' | 'all') => ({
  faults: { ...noFaults, outage: { fromSeconds: 0, toSeconds: 600, provider } },
});
const fast = { API_INITIAL_DELAY: '1', API_MAX_DELAY: '1' };

/** The rows of the crash table that exist in the embedded mode. */
const rows: readonly (readonly [row: string, point: CrashPoint, world: World, callsMax: number])[] = [
  ['parsing', { step: 'parsed' }, {}, 3],
  [
    'TaskReceived alone',
    { step: 'appended', holds: ['TaskReceived'], lacks: ['ApiCalled'] },
    { latencyMs: 1500 },
    3,
  ],
  ['calls were answered, not yet appended', { step: 'answered' }, {}, 3],
  ['an append was sent, its outcome unknown', { step: 'appending', holds: ['Enriched'] }, {}, 3],
  [
    'ApiCalled appended, cache not filled',
    { step: 'appended', holds: ['ApiCalled'], lacks: ['Enriched', 'Failed'] },
    // The others answer while MusicBrainz is asked once more.
    { ...outageOf('musicbrainz'), latencyMs: 500 },
    5,
  ],
  ['Enriched appended', { step: 'appended', holds: ['Enriched'] }, {}, 3],
  ['Enriched appended, no follow-up published', { step: 'decided' }, outageOf('musicbrainz'), 5],
  ['Enriched appended, follow-ups published', { step: 'published' }, outageOf('musicbrainz'), 5],
  ['Failed appended, next hop not published', { step: 'decided' }, outageOf('all'), 9],
  ['next hop published, not acknowledged', { step: 'published' }, outageOf('all'), 9],
];

describe('a task that is cut off by a kill and delivered again leaves the stream as one delivery would', () => {
  it.each(rows)(
    'after: %s',
    async (row, point, world, callsMax) => {
      const events = await cutOffAt(row.replace(/\W+/g, '-'), point, world, {}, fast);
      expectOneDelivery(events, callsMax);
      expect(events.some(({ type }) => type === 'Enriched')).toBe(true);
    },
    60_000,
  );
});
