import type { Lane } from '../domain/priority.ts';
import { createFifo, type Fifo } from './fifo.ts';
import type { TaskMessage } from './queue.ts';

const priorityMax = 10;

/** Messages that may come out now: by priority, within a priority first in first out. */
export interface ReadyMessages<Held> {
  readonly size: number;
  push(held: Held): void;
  /** The next one of these lanes; of equal priorities in two lanes, that of the lane named first. */
  take(lanes: readonly Lane[]): Held | undefined;
  clear(): void;
}

export function createReadyMessages<Held extends { readonly message: TaskMessage }>(): ReadyMessages<Held> {
  const byLane: Readonly<Record<Lane, readonly Fifo<Held>[]>> = {
    'real-time': createLevels(),
    backlog: createLevels(),
  };
  let size = 0;
  return {
    get size() {
      return size;
    },
    push(held) {
      const { lane, priority } = held.message;
      byLane[lane][Math.min(priorityMax, Math.max(0, Math.trunc(priority)))]?.push(held);
      size += 1;
    },
    take(lanes) {
      for (let priority = size === 0 ? -1 : priorityMax; priority >= 0; priority--) {
        for (const lane of lanes) {
          const held = byLane[lane][priority]?.shift();
          if (held === undefined) continue;
          size -= 1;
          return held;
        }
      }
      return undefined;
    },
    clear() {
      for (const level of [...byLane['real-time'], ...byLane.backlog]) level.clear();
      size = 0;
    },
  };
}

function createLevels<Held>(): readonly Fifo<Held>[] {
  return Array.from({ length: priorityMax + 1 }, () => createFifo<Held>());
}
