import { median } from './flags.ts';
import { type Ran, ran } from './processes.ts';

/** What every side says of itself. */
export interface Said {
  readonly events: number;
  readonly tookMs: number;
  readonly processorMs: number;
}

export interface Filled extends Said {
  readonly indexingMs: number;
  readonly rows: {
    readonly tracks: number;
    readonly tasks: number;
    readonly metrics: number;
    readonly parked: number;
  };
}

export interface PairsOptions {
  readonly limitScript: string;
  readonly limitName: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Of the PostgreSQL, whose processor time is counted. */
  readonly dataDir: string;
  /** How many events either side has to read. */
  readonly events: number;
  readonly rounds: number;
  readonly target: number;
}

/** A rebuild beside its limit, in turn, and what came of it. */
export async function pairs(options: PairsOptions): Promise<void> {
  const { limitScript, limitName, settings, dataDir, events, rounds, target } = options;
  const limits: Ran<Said>[] = [];
  const rebuilds: Ran<Filled>[] = [];
  for (let round = 0; round < rounds; round++) {
    const sides = [
      async () => limits.push(await ran<Said>(limitScript, settings, dataDir)),
      async () => rebuilds.push(await ran<Filled>('fill-ledger.mjs', settings, dataDir)),
    ];
    for (const side of round % 2 === 0 ? sides : sides.reverse()) await side();
  }
  for (const { said } of [...limits, ...rebuilds]) {
    if (said.events !== events) throw new Error(`${said.events} of ${events} events were read.`);
  }
  report(limitName, limits);
  report('rebuild', rebuilds);
  const rows = rebuilds[0]?.said.rows;
  const indexing = median(rebuilds.map(({ said }) => said.indexingMs / 1000)).toFixed(1);
  console.log(
    `  ${rows?.tracks} tracks, ${rows?.tasks} tasks, ${rows?.metrics} metrics, ${rows?.parked} parked; the indexes took ${indexing} s of it`,
  );
  const ratioOf = (of: (said: Said) => number) =>
    median(limits.map(({ said }, at) => of(said) / of(rebuilds[at]?.said ?? said))).toFixed(2);
  const [ratio, processor] = [ratioOf(({ tookMs }) => tookMs), ratioOf(({ processorMs }) => processorMs)];
  console.log(`  ratio ${ratio} (target ${target}); of the processor time of Node alone ${processor}`);
}

function report(name: string, sides: readonly Ran<Said>[]): void {
  const rate = median(sides.map(({ said }) => (said.events * 1000) / said.tookMs));
  const node = median(sides.map(({ said }) => (said.processorMs * 1000) / said.events));
  const database = median(sides.map(({ said, databaseMs }) => (databaseMs * 1000) / said.events));
  const peak = Math.max(...sides.map(({ peakMb }) => peakMb));
  const processor = `processor time an event: Node ${node.toFixed(1)} us, PostgreSQL ${database.toFixed(1)} us`;
  console.log(`  ${name.padEnd(12)} ${rate.toFixed(0).padStart(6)} events/s; ${processor}; peak ${peak} MB`);
}
