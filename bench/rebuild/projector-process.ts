import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cli, root } from './processes.ts';

export interface ProjectorProcess {
  readonly pid: number;
  /** What it said since it started, as log lines. */
  said(): string;
  stop(): Promise<void>;
}

/** `cli projector` as an operator starts it; resolves when it follows. */
export async function startProjectorProcess(ledgerUrl: string, url: string): Promise<ProjectorProcess> {
  const child = spawn(process.execPath, [...cli, 'projector'], {
    cwd: root,
    env: { ...process.env, LEDGER_URL: ledgerUrl, DATABASE_URL: url, LOG_LEVEL: 'info', HEALTH_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const follows = new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('is following')) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', () => reject(new Error(`The projector ended: ${text}`)));
  });
  await follows;
  return {
    pid: child.pid ?? 0,
    said: () => text,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
