import { connect, createServer, type Socket } from 'node:net';

/** A door to a server that can be cut, be slow, or fall silent, without touching the server. */
export interface Door {
  readonly port: number;
  /** How many connections are open. */
  connections(): number;
  /** Lets nothing through, and leaves connections open. */
  freeze(): void;
  /** From now on each answer comes so much later. */
  slow(delayMs: number): void;
  /** Ends every connection and lets no new one in. */
  cut(): void;
  /** Lets everything through again, at once. */
  mend(): void;
  close(): Promise<void>;
}

export async function openDoor(target: { readonly host: string; readonly port: number }): Promise<Door> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let delayMs = 0;
  let state: 'open' | 'frozen' | 'cut' = 'open';
  const server = createServer((inner) => {
    if (state === 'cut') {
      inner.destroy();
      return;
    }
    const outer = connect(target.port, target.host);
    const pair = [inner, outer] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      inner.destroy();
      outer.destroy();
    };
    let passedMs = 0;
    inner.on('data', (chunk) => void outer.write(chunk));
    outer.on('data', (chunk) => {
      const nowMs = performance.now();
      // What came first passes first.
      passedMs = Math.max(passedMs, nowMs + delayMs);
      if (passedMs <= nowMs) inner.write(chunk);
      else setTimeout(() => void inner.write(chunk), passedMs - nowMs);
    });
    for (const from of pair) {
      from.on('error', end).on('close', end);
      if (state === 'frozen') from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { readonly port: number }).port,
    connections: () => pairs.size,
    freeze() {
      state = 'frozen';
      for (const socket of [...pairs].flat()) socket.pause();
    },
    slow(ms) {
      delayMs = ms;
    },
    cut() {
      state = 'cut';
      for (const socket of [...pairs].flat()) socket.destroy();
    },
    mend() {
      state = 'open';
      delayMs = 0;
      for (const socket of [...pairs].flat()) socket.resume();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of [...pairs].flat()) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
