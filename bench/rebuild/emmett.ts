import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { flags, median } from './flags.ts';
import { loadPostgres } from './load-postgres.ts';
import type { Filled, Said } from './pairs.ts';
import { ran, root } from './processes.ts';
import { withPostgres } from './servers.ts';

/** Few: at its pace more would take all day. */
const share = 0.005;

/** Emmett's rebuild of the same events into documents of what `tracks` holds, beside ours of all read models. */
export async function besideEmmett(): Promise<void> {
  const tracks = Math.max(1, Math.round(flags.tracks * share));
  const folder = join(root, 'bench/peers-rebuild');
  if (!existsSync(join(folder, 'node_modules'))) {
    console.log('Installing Emmett in bench/peers-rebuild …');
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    execFileSync('npm', args, { cwd: folder, stdio: 'inherit' });
  }
  console.log('Rebuild beside @event-driven-io/emmett-postgresql 0.42.0, which makes one of the read models');
  const sides: { emmett: Said; ours: Said }[] = [];
  for (let round = 0; round < flags.rounds; round++) {
    const emmett = await withPostgres(async ({ url, dataDir }) => {
      return ran<Said>('emmett-rebuild.ts', { BENCH_URL: url, BENCH_TRACKS: String(tracks) }, dataDir);
    });
    const ours = await withPostgres(async ({ url, dataDir }) => {
      await loadPostgres(url, tracks);
      return ran<Filled>('fill-ledger.mjs', { BENCH_URL: url, BENCH_LEDGER: url }, dataDir);
    });
    sides.push({ emmett: emmett.said, ours: ours.said });
  }
  const rate = (said: Said) => (said.events * 1000) / said.tookMs;
  const [theirs, ours] = [
    median(sides.map(({ emmett }) => rate(emmett))),
    median(sides.map((one) => rate(one.ours))),
  ];
  const times = median(sides.map((one) => rate(one.ours) / rate(one.emmett)));
  console.log(`  ${sides[0]?.ours.events} events of ${tracks} tracks: so few that starting is most of ours`);
  console.log(
    `  Emmett ${theirs.toFixed(0)} events/s, this ${ours.toFixed(0)} events/s: ${times.toFixed(0)} times\n`,
  );
}
