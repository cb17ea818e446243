import type { Provider } from '../domain/provider.ts';
import type { ProviderGates } from '../providers/gate.ts';

/** The longest pause between two tasks while no provider can be asked. */
const pauseMsMax = 30_000;
const pauseMsMin = 250;

/**
 * Lets tasks begin only as fast as the providers can take their calls. Without it, everything beyond the rate
 * would be looked at, deferred and looked at again. While no provider is open one task at a time still passes,
 * because it may be served from the cache; each that is deferred makes the next wait longer.
 */
export interface Intake {
  /** Resolves when a task may begin that needs these providers. */
  enter(needed: readonly Provider[]): Promise<Entry>;
}

/** The worker takes no more work. */
export class Stopping extends Error {
  override readonly name = 'Stopping';
}

export interface Entry {
  /** The task has asked its gates, so that they know of it. */
  asked(): void;
  leave(result: 'served' | 'deferred'): void;
}

export interface IntakeOptions {
  readonly gates: ProviderGates;
  readonly ratePerSecond: Readonly<Record<Provider, number>>;
  /** How long a task of this intake waits at a gate. */
  readonly patienceMs: number;
  /** Aborted when the worker stops: who has not begun is handed back. */
  readonly signal: AbortSignal;
}

export function createIntake({ gates, ratePerSecond, patienceMs, signal }: IntakeOptions): Intake {
  const queue: { readonly needed: readonly Provider[]; start(): void; giveBack(): void }[] = [];
  let active = 0;
  let unasked = 0;
  let deferredInARow = 0;
  let pausedUntilMs = 0;
  let timer: NodeJS.Timeout | null = null;

  /** How long until the fastest of the open providers has a slot within the patience; 0: it has one. */
  function opensInMs(needed: readonly Provider[]): number {
    const open = needed.filter((provider) => gates.circuit(provider) !== 'open');
    if (open.length === 0) return Number.POSITIVE_INFINITY;
    const fastest = open.reduce((a, b) => (ratePerSecond[b] > ratePerSecond[a] ? b : a));
    return Math.max(0, gates.nextFreeInMs(fastest, unasked) - patienceMs);
  }

  function pump(): void {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const inMs = opensInMs(next.needed);
      const pauseMs = pausedUntilMs - performance.now();
      if (inMs > 0 && (active > 0 || pauseMs > 0)) {
        wakeIn(Math.min(inMs, active > 0 ? pauseMsMax : pauseMs));
        return;
      }
      queue.shift();
      active += 1;
      unasked += 1;
      next.start();
    }
  }

  function wakeIn(ms: number): void {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(pump, Math.max(1, Math.ceil(ms)));
  }

  function entry(): Entry {
    let waitsForGate = true;
    const asked = () => {
      if (waitsForGate) unasked -= 1;
      waitsForGate = false;
    };
    return {
      asked,
      leave(result) {
        asked();
        active -= 1;
        deferredInARow = result === 'deferred' ? deferredInARow + 1 : 0;
        const pauseMs = deferredInARow === 0 ? 0 : pauseMsMin * 2 ** (deferredInARow - 1);
        pausedUntilMs = performance.now() + Math.min(pauseMs, pauseMsMax);
        pump();
      },
    };
  }

  signal.addEventListener('abort', () => {
    if (timer !== null) clearTimeout(timer);
    for (const waiter of queue.splice(0)) waiter.giveBack();
  });

  return {
    enter: (needed) =>
      new Promise((resolve, reject) => {
        const giveBack = () => reject(new Stopping('The worker is stopping; the task has not begun.'));
        if (signal.aborted) return giveBack();
        queue.push({ needed, start: () => resolve(entry()), giveBack });
        pump();
      }),
  };
}
