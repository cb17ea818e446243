import { openLedgerAt } from '../../src/app.ts';
import { type Drained, drain } from './drain.ts';
import { flags } from './flags.ts';
import { median } from './median.ts';
import type { Servers } from './servers.ts';
import { type Side, startBare, startBullmq, startOurs } from './sides.ts';
import { checkStreams } from './stream-check.ts';

const rateTarget = 0.85;
const cpuTarget = 1.4;

/**
 * Tasks whose answers are all cached: one worker with everything on beside its peers, each a process, in turn. A ratio
 * is the median of the rounds' ratios.
 *
 * @param waitMs what every side waits before its append
 */
export async function cached(servers: Servers, waitMs: number): Promise<void> {
  const bare = await startBare(servers, { waitMs });
  const bullmq = await startBullmq(servers, waitMs);
  const ours = await startOurs(servers, { waitMs });
  const sides = [ours, bare, bullmq];
  const rounds = new Map<Side, Drained[]>(sides.map((side) => [side, []]));
  // The first ones warm up: code is compiled, connections and tables are there.
  for (let round = -1; round < flags.rounds; round++) {
    for (let n = 0; n < sides.length; n++) {
      const side = sides[(n + round + 1) % sides.length];
      if (side === undefined) continue;
      const drained = await drain(side, flags.tasks);
      if (round >= 0) rounds.get(side)?.push(drained);
    }
  }
  console.log(`all answers cached${waitMs > 0 ? `, ${waitMs} ms of waiting in the handler` : ''}`);
  const of = (side: Side) => rounds.get(side) ?? [];
  const against = of(bare);
  for (const side of sides) {
    const mine = of(side);
    const [rate, cpu] = [
      median(mine.map((one) => one.tasksPerSecond)),
      median(mine.map((one) => one.cpuMicros)),
    ];
    const ratio = median(mine.map((one, n) => one.tasksPerSecond / (against[n]?.tasksPerSecond ?? 1)));
    const cpuRatio = median(mine.map((one, n) => one.cpuMicros / (against[n]?.cpuMicros ?? 1)));
    const beside =
      side === bare ? '' : `   ${ratio.toFixed(2)} and ${cpuRatio.toFixed(2)} of the bare loop's`;
    const target = side === ours ? ` (target ${rateTarget} and ${cpuTarget})` : '';
    console.log(
      `  ${side.name.padEnd(12)} ${rate.toFixed(0).padStart(6)} tasks/s ${cpu.toFixed(0).padStart(6)} µs of processor a task${beside}${target}`,
    );
  }
  const ledger = await openLedgerAt(servers.ledgerUrl);
  const check = await checkStreams(ledger, servers.ledgerUrl, { ours, peers: [bare, bullmq] });
  console.log(`  ${check}\n`);
  await ledger.close();
  for (const side of sides) await side.stop();
}
