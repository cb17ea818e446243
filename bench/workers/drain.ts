import { setTimeout as sleep } from 'node:timers/promises';
import { processorMs } from './processor-time.ts';
import type { Side } from './sides.ts';

/** What a round of one side came to. */
export interface Drained {
  readonly tasksPerSecond: number;
  /** Processor time a task of the side's own processes together. */
  readonly cpuMicros: number;
}

const lookEveryMs = 20;
const drainMsMax = 300_000;
/** What is in hand when the queue is empty, and what was put down for later, such as a log. */
const restMs = 700;

/**
 * Fills the queue of a side while its processes are stopped, lets them go on, and measures until the queue is empty.
 * Then as many are in hand as were at the start, so that the count is right without knowing when the last is done.
 */
export async function drain(side: Side, tasks: number): Promise<Drained> {
  const pids = side.children.map(({ pid }) => pid);
  const cpuMs = () => pids.reduce((sum, pid) => sum + processorMs(pid), 0);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await side.publish(tasks);
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
  const startMs = performance.now();
  const startCpuMs = cpuMs();
  while ((await side.waiting()) > 0) {
    for (const child of side.children) child.mustRun();
    if (performance.now() - startMs > drainMsMax) throw new Error(`${side.name} did not empty its queue.`);
    await sleep(lookEveryMs);
  }
  const seconds = (performance.now() - startMs) / 1000;
  const cpuMicros = ((cpuMs() - startCpuMs) * 1000) / tasks;
  await sleep(restMs);
  return { tasksPerSecond: tasks / seconds, cpuMicros };
}
