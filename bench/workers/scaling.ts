import { drain } from './drain.ts';
import { flags } from './flags.ts';
import { median } from './median.ts';
import { listenerOf, processorMsOfTree } from './processor-time.ts';
import type { Servers } from './servers.ts';
import { startOurs } from './sides.ts';

const workerCounts = [1, 2, 4];

/** One, two and four workers: tasks a second, and whose processor time goes into a task. */
export async function scaling(servers: Servers): Promise<void> {
  console.log('1, 2 and 4 workers, all answers cached; µs of processor a task');
  const pids = Object.entries(servers.ports).map(([name, port]) => ({ name, pid: listenerOf(port) }));
  for (const workers of workerCounts) {
    const side = await startOurs(servers, { workers });
    // As many tasks for each as in the other parts warm it up.
    await drain(side, flags.tasks * workers);
    const rates: number[] = [];
    const micros = new Map<string, number[]>();
    const note = (name: string, value: number) => micros.set(name, [...(micros.get(name) ?? []), value]);
    for (let round = 0; round < flags.rounds; round++) {
      const before = pids.map(({ pid }) => (pid === null ? Number.NaN : processorMsOfTree(pid)));
      const { tasksPerSecond, cpuMicros } = await drain(side, flags.tasks);
      rates.push(tasksPerSecond);
      note('workers', cpuMicros);
      for (const [n, { name, pid }] of pids.entries()) {
        const after = pid === null ? Number.NaN : processorMsOfTree(pid);
        // From publication to the end of the last task: a broker works for both.
        note(name, ((after - (before[n] ?? 0)) * 1000) / flags.tasks);
      }
    }
    const parts = [...micros].map(([name, values]) => `${name} ${median(values).toFixed(0)}`);
    console.log(`  ${workers} ${median(rates).toFixed(0).padStart(6)} tasks/s   ${parts.join(', ')}`);
    await side.stop();
  }
  console.log();
}
