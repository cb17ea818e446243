import type { Provider } from '../../domain/provider.ts';

/** One call as the simulator saw it. A call that hangs has no status. */
export interface LoggedCall {
  readonly provider: Provider;
  /** Counted per provider from 1; what faults depend on. Token calls are number 0. */
  readonly call: number;
  readonly atMs: number;
  readonly path: string;
  readonly status: number | null;
  readonly tooEarly: boolean;
}

const callsMax = 1000;
const pathCharsMax = 500;

/** The last calls, oldest first. */
export function createCallLog() {
  const ring: LoggedCall[] = [];
  let next = 0;
  return {
    add(call: LoggedCall): void {
      ring[next] = { ...call, path: call.path.slice(0, pathCharsMax) };
      next = (next + 1) % callsMax;
    },
    calls: (): readonly LoggedCall[] =>
      ring.length < callsMax ? [...ring] : [...ring.slice(next), ...ring.slice(0, next)],
  };
}
