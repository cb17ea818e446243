import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { root } from './processes.ts';

export interface EventStoreServer {
  readonly name: string;
  readonly url: string;
  stop(): Promise<void>;
}

/** The server of TEST_EVENTSTORE_URL, which should hold nothing else; else the stand-in, which is no database. */
export async function eventStoreServer(): Promise<EventStoreServer> {
  const given = process.env.TEST_EVENTSTORE_URL ?? '';
  if (given !== '') {
    return { name: 'EventStoreDB at TEST_EVENTSTORE_URL', url: given, stop: async () => undefined };
  }
  const child = spawn('npm', ['run', '-s', 'eventstoredb:stand-in', '--', '--port', '0'], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async () => {
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    await once(child, 'close');
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /LEDGER_URL=(\S+)/.exec(line) ?? [];
    if (url !== undefined) return { name: 'the stand-in for EventStoreDB (it keeps nothing)', url, stop };
  }
  throw new Error('The stand-in did not start.');
}
