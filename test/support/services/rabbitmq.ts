import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findProgram } from './distribution.ts';
import { freePorts } from './free-ports.ts';

/** A RabbitMQ of the tests: where it is, and how it is managed. */
export interface RabbitmqServer {
  /** `amqp://USER:PASSWORD@HOST:PORT` */
  readonly url: string;
  /** `http://HOST:PORT` */
  readonly managementUrl: string;
}

export interface PrivateRabbitmq extends RabbitmqServer {
  /** Ends it as a power cut does. */
  kill(): Promise<void>;
  /** Starts it again with its data, at the same ports. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const startMsMax = 90_000;
/** The scripts themselves; those on PATH change the user. */
const folders = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/sbin', '/usr/local/sbin'];

export function rabbitmqProgram(): string | null {
  return findProgram('rabbitmq-server', folders);
}

/**
 * A broker of its own in a temporary folder, with everything on loopback and on free ports.
 *
 * @param settings of the application `rabbit`, besides or instead of ours, in milliseconds
 */
export async function startPrivateRabbitmq(
  settings: Readonly<Record<string, number>> = {},
): Promise<PrivateRabbitmq> {
  const program = rabbitmqProgram();
  if (program === null) throw new Error('rabbitmq-server is not installed.');
  const folder = mkdtempSync(join(tmpdir(), 'enrichment-rabbitmq-'));
  const [port = 0, managementPort = 0, distPort = 0, epmdPort = 0] = await freePorts(4);
  mkdirSync(join(folder, 'log'));
  writeFileSync(join(folder, 'plugins'), '[rabbitmq_management].\n');
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${managementPort}`,
      // Tests ask how many messages there are.
      'collect_statistics_interval = 200',
      'log.console = false',
      'log.file.level = warning',
      'disk_free_limit.absolute = 50MB',
      'vm_memory_high_watermark.relative = 0.6',
      '',
    ].join('\n'),
  );
  const advanced = {
    // A dead-letter worker whose target refuses waits for three minutes otherwise.
    dead_letter_worker_publisher_confirm_timeout: 3000,
    // How often quorum queues count their messages; else every five seconds, and `drained` believes them.
    quorum_tick_interval: 200,
    ...settings,
  };
  const terms = Object.entries(advanced).map(([name, value]) => `{${name}, ${value}}`);
  writeFileSync(join(folder, 'advanced.config'), `[{rabbit, [${terms.join(', ')}]}].\n`);
  const env = {
    ...process.env,
    HOME: folder,
    RABBITMQ_NODENAME: `test-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +S 2:2 -kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
  const managementUrl = `http://127.0.0.1:${managementPort}`;
  let child: ChildProcess | null = null;

  async function start(): Promise<void> {
    const started = spawn(program ?? '', [], { env, cwd: folder, detached: true, stdio: 'ignore' });
    child = started;
    const deadlineMs = performance.now() + startMsMax;
    while (!(await isReady(managementUrl))) {
      if (started.exitCode !== null)
        throw new Error(`RabbitMQ ended at its start (${started.exitCode}); see ${folder}/log.`);
      if (performance.now() > deadlineMs) throw new Error('RabbitMQ was not ready in time.');
      await sleep(100);
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const last = child;
    child = null;
    if (last?.pid === undefined || last.exitCode !== null || last.signalCode !== null) return;
    const gone = once(last, 'exit');
    // The whole group: the script, and the server that it started.
    process.kill(-last.pid, signal);
    await gone;
    for (let tries = 0; tries < 100 && (await isReady(managementUrl)); tries++) await sleep(50);
  }

  await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    managementUrl,
    start,
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGKILL');
      const epmd = findProgram('epmd', ['/usr/lib/erlang/bin']);
      if (epmd !== null)
        await run(epmd, ['-port', String(epmdPort), '-kill'], { env }).catch(() => undefined);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function isReady(managementUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(`${managementUrl}/api/aliveness-test/%2F`, {
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
      signal: AbortSignal.timeout(2000),
    });
    await answer.text();
    return answer.ok;
  } catch {
    return false;
  }
}
