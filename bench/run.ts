/**
 * The main job against the simulator: tracks/s, calls/s, and the peak memory of the process, its database and the
 * simulator apart. `npm run bench:run -- [--file FILE] [--times N] [--concurrency N]`; without a file it makes one of
 * 10,000 tracks. `--times 10` runs the same file ten times as long as well, to show that memory does not follow.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const sampleEveryMs = 250;
/** The arguments of Node, as the script of the command-line tool has them. */
const cli = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { cli: string } }
).scripts.cli
  .split(' ')
  .slice(1);

const { values: flags } = parseArgs({
  options: {
    file: { type: 'string' },
    tracks: { type: 'string', default: '10000' },
    times: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '64' },
    latency: { type: 'string', default: '20' },
  },
});

const work = mkdtempSync(join(tmpdir(), 'bench-run-'));
try {
  const file = flags.file ?? (await makeTracks(join(work, 'tracks.csv'), Number(flags.tracks)));
  print(await measure(file, join(work, 'data')));
  if (Number(flags.times) > 1) {
    const long = await repeated(file, join(work, 'long.csv'), Number(flags.times));
    print(await measure(long, join(work, 'data-long')));
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

interface Figures {
  readonly tracks: number;
  readonly seconds: number;
  readonly calls: number;
  readonly exitCode: number;
  readonly peakMb: Readonly<Record<'process' | 'database' | 'simulator', number>>;
}

async function measure(file: string, dataDir: string): Promise<Figures> {
  const args = [...cli, 'run', file, '--simulate', '--sim-latency', flags.latency];
  args.push('--lift-rates', '--data-dir', dataDir, '--concurrency', flags.concurrency, '--json');
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const peakMb = { process: 0, database: 0, simulator: 0 };
  const timer = setInterval(() => {
    const now = memoryMb(child.pid ?? 0, dataDir);
    for (const part of ['process', 'database', 'simulator'] as const)
      peakMb[part] = Math.max(peakMb[part], now[part]);
  }, sampleEveryMs);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [exitCode] = (await once(child, 'close')) as [number];
  clearInterval(timer);
  const summary = JSON.parse(text) as {
    rows: number;
    seconds: number;
    calls: Record<string, { calls: number }>;
  };
  const calls = Object.values(summary.calls).reduce((sum, one) => sum + one.calls, 0);
  return { tracks: summary.rows, seconds: summary.seconds, calls, exitCode, peakMb };
}

function print({ tracks, seconds, calls, exitCode, peakMb }: Figures): void {
  console.log(
    `tracks            ${tracks} in ${seconds.toFixed(1)} s (start and end of the database included)`,
  );
  console.log(`tracks/s          ${(tracks / seconds).toFixed(0)}`);
  console.log(`calls/s           ${(calls / seconds).toFixed(0)}`);
  console.log(
    `peak memory, MB   process ${peakMb.process}, database ${peakMb.database}, simulator ${peakMb.simulator}`,
  );
  console.log(`exit code         ${exitCode}\n`);
}

/** Proportional set size of each part in MB: shared pages are counted once. */
function memoryMb(pid: number, dataDir: string): Figures['peakMb'] {
  const mb = { process: pssMb(pid), database: 0, simulator: 0 };
  const servers = new Set<string>();
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const one of all) {
    const command = read(`/proc/${one}/cmdline`).replaceAll('\0', ' ');
    if (command.includes(' simulate ') && parentOf(one) === String(pid)) mb.simulator += pssMb(Number(one));
    if (command.includes('postgres') && command.includes(dataDir)) servers.add(one);
  }
  for (const one of all)
    if (servers.has(one) || servers.has(parentOf(one))) mb.database += pssMb(Number(one));
  return mb;
}

function pssMb(pid: number): number {
  const kb = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? '0';
  return Math.round(Number(kb) / 1024);
}

function parentOf(pid: string): string {
  return /^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? '';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function makeTracks(path: string, count: number): Promise<string> {
  const out = createWriteStream(path);
  out.write('artist,title,album,year,duration_ms,isrc\n');
  for (let n = 0; n < count; n++) {
    const isrc = n % 3 === 0 ? '' : `XX${'BNC'}26${String(n % 100_000).padStart(5, '0')}`;
    const line = `Band ${n % 977},Song number ${n},Album ${n % 411},${1960 + (n % 60)},${120_000 + (n % 240) * 1000},${isrc}\n`;
    if (!out.write(line)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  return path;
}

async function repeated(file: string, path: string, times: number): Promise<string> {
  const [header = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const out = createWriteStream(path);
  out.write(`${header}\n`);
  for (let n = 0; n < times; n++) {
    // The first column of the file is the artist: another artist makes another track.
    for (const line of lines) {
      const changed = line.startsWith('"') ? `"${n} ${line.slice(1)}` : `${n} ${line}`;
      if (!out.write(`${changed}\n`)) await once(out, 'drain');
    }
  }
  out.end();
  await once(out, 'close');
  return path;
}
