import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { eventOf } from '../ledger/events.ts';
import { anyTracks, appendInTurn } from '../projections/recorded.ts';
import { type Ended, type Started, startCli } from '../support/cli.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

let database: FreshDatabase;
let ledger: Ledger;
let projector: Started;
beforeAll(async () => {
  database = await freshDatabase();
  ledger = await openPostgresLedger({ url: database.url });
  const [tracks] = fc.sample(
    anyTracks.filter((all) => (all.get('track 0') ?? []).some(({ type }) => type === 'Enriched')),
    { numRuns: 1, seed: 5 },
  );
  if (tracks === undefined) throw new Error('There is no sample.');
  const turns = [...tracks].flatMap(([trackId, events]) => events.map(() => trackId));
  await appendInTurn(ledger, tracks, turns);
  const migrated = await cli('migrate');
  expect(migrated.code, migrated.stderr).toBe(0);
  projector = startCli(['projector'], { environment: environment() });
  await projector.said('following');
}, 60_000);
afterAll(async () => {
  projector?.child.kill('SIGTERM');
  await projector?.ended;
  await ledger?.close();
  await database?.drop();
});

const environment = () => ({ LEDGER_URL: database.url, DATABASE_URL: database.url, LOG_LEVEL: 'info' });
const cli = (...args: string[]): Promise<Ended> => startCli(args, { environment: environment() }).ended;
const projections = (...args: string[]) => cli('projections', ...args);

/** Until the projector is where the ledger ends. */
async function followed(): Promise<void> {
  await expect
    .poll(async () => JSON.parse((await projections('status', '--json')).stdout).behind.events, {
      timeout: 30_000,
      interval: 500,
    })
    .toBe(0);
}

it('status tells where the read models stand; pause holds the projector, resume lets it go on', async () => {
  await followed();
  const status = await projections('status');
  expect(status.stdout).toMatch(/^version +\d+\nposition +\d+\nlag +none\nprojector +active\nparked +none\n/);
  expect((await projections('pause')).stdout).toContain('"projections resume" goes on');
  await ledger.append('track-paused', 'no-stream', [eventOf({}, 'Unheard')]);
  await projector.said('the projector is paused');
  expect((await projections('status')).stdout).toMatch(/lag +1 event, .*\nprojector +paused by /);
  await projections('resume');
  await followed();
}, 120_000);

it('quarantine lists what could not be taken, shows the event, and passes over it when asked', async () => {
  const listed = await projections('quarantine', 'list');
  expect(listed.stdout).toMatch(/tracks +track-paused@0 +Unheard .*not known to this version/);
  const shown = await projections('quarantine', 'show', 'track-paused');
  expect(JSON.parse(`${shown.stdout.split('\n}\n')[0]}}`)).toMatchObject({
    stream: 'track-paused',
    event: { type: 'Unheard', revision: 0 },
  });
  expect((await projections('quarantine', 'retry', 'track-nowhere')).stderr).toContain('is not parked');
  await projections('quarantine', 'retry', 'track-paused');
  await expect
    .poll(async () => (await projections('quarantine', 'list')).stdout, { timeout: 30_000, interval: 500 })
    .toContain('2 tries');
  const skipped = await projections('quarantine', 'skip', 'track-paused', '--why', 'nobody wrote it');
  expect(skipped.stdout).toContain('Asked for 3 times');
  await expect
    .poll(async () => (await projections('quarantine', 'list')).stdout, { timeout: 30_000, interval: 500 })
    .toBe('Nothing is parked.\n');
}, 120_000);

it('verify finds nothing, then a row that was tampered with; rebuild refuses, then mends it; rollback goes back', async () => {
  const good = await projections('verify');
  expect(good.code, good.stderr).toBe(0);
  expect(good.stdout).toContain('No row differs.');
  await database.query(`UPDATE enrichment.tracks SET title = 'tampered' WHERE track_id = 'track 0'`);
  const bad = await projections('verify');
  expect(bad.code).toBe(1);
  expect(bad.stdout).toMatch(/~ tracks track 0 \(by Enriched [^\n]+\)\n +title: "tampered" → /);
  const refused = await projections('rebuild');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('--max-changes 1 or --force');
  const mended = await projections('rebuild', '--max-changes', '1');
  expect(mended.code, mended.stderr).toBe(0);
  expect(mended.stderr).toContain('--from-scratch begins anew');
  const title = async () =>
    (await database.query(`SELECT title FROM enrichment.tracks WHERE track_id = 'track 0'`))[0]?.title;
  expect(await title()).not.toBe('tampered');
  expect((await projections('verify')).code).toBe(0);
  expect((await projections('rollback')).code).toBe(0);
  expect(await title()).toBe('tampered');
  expect((await projections('rollback')).code).toBe(0);
  expect(await title()).not.toBe('tampered');
}, 180_000);

it('an erased track is gone, and asking for it again says so', async () => {
  const erased = await cli('track', 'erase', 'track 0', '--why', 'asked for');
  expect(erased.stdout, erased.stderr).toMatch(/^Erased: \d+ events? of \d+ tasks?\.\n$/);
  await expect
    .poll(() => database.query(`SELECT FROM enrichment.tracks WHERE track_id = 'track 0'`), {
      timeout: 30_000,
    })
    .toEqual([]);
  expect((await cli('track', 'erase', 'nobody', '--why', 'x')).stderr).toContain(
    'There is no track "nobody"',
  );
  expect((await cli('track', 'erase', 'track 0')).code).toBe(2);
}, 60_000);
