import { connect, createServer, type Socket } from 'node:net';

/** A door to a server that can be cut, or fall silent, without touching the server. */
export interface Door {
  readonly port: number;
  /** How many connections are open. */
  connections(): number;
  /** Lets nothing through, and leaves connections open. */
  freeze(): void;
  /** Ends every connection and lets no new one in. */
  cut(): void;
  /** Lets everything through again. */
  mend(): void;
  close(): Promise<void>;
}

export async function openDoor(target: { readonly host: string; readonly port: number }): Promise<Door> {
  const pairs = new Set<readonly [Socket, Socket]>();
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
    for (const [from, to] of [pair, [outer, inner]] as const) {
      from.on('data', (chunk) => void to.write(chunk));
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
    cut() {
      state = 'cut';
      for (const socket of [...pairs].flat()) socket.destroy();
    },
    mend() {
      state = 'open';
      for (const socket of [...pairs].flat()) socket.resume();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of [...pairs].flat()) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
