import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
/** Fewer modules than this mean that the tool read nothing, which it would report as "no violations". */
const modulesMin = 40;

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
  readonly cycle?: readonly { readonly name: string }[];
}

interface Report {
  readonly summary: { readonly totalCruised: number; readonly violations: readonly Violation[] };
}

async function cruise(folder: string): Promise<Report['summary']> {
  const bin = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [bin, 'src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'];
  // It ends with a code other than 0 where it found something.
  const text = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 28 }, (_, stdout) => resolve(stdout));
  });
  return (JSON.parse(text) as Report).summary;
}

const planted: readonly (readonly [rule: string, file: string, code: string])[] = [
  ['domain-imports-only-its-own', 'src/domain/planted.ts', "import '../ledger/ledger.ts';"],
  ['telemetry-imports-only-its-own', 'src/telemetry/planted.ts', "import '../domain/provider.ts';"],
  ['embedded-imports-only-its-own', 'src/embedded/planted.ts', "import '../domain/provider.ts';"],
  ['ledger-imports-only-its-own', 'src/ledger/planted.ts', "import '../queue/queue.ts';"],
  ['queue-imports-only-its-own', 'src/queue/planted.ts', "import '../ledger/ledger.ts';"],
  ['cache-imports-only-its-own', 'src/cache/planted.ts', "import '../providers/gate.ts';"],
  ['providers-imports-only-its-own', 'src/providers/planted.ts', "import '../ledger/ledger.ts';"],
  ['workers-imports-only-its-own', 'src/workers/planted.ts', "import '../projections/projector.ts';"],
  ['projections-imports-only-its-own', 'src/projections/planted.ts', "import '../workers/handle.ts';"],
  ['ledger-is-used-through-its-port', 'src/workers/planted.ts', "import '../ledger/postgres.ts';"],
  ['queue-is-used-through-its-port', 'src/workers/planted.ts', "import '../queue/in-process.ts';"],
  ['cache-is-used-through-its-port', 'src/workers/planted.ts', "import '../cache/memory.ts';"],
  ['providers-is-used-through-its-port', 'src/workers/planted.ts', "import '../providers/spotify.ts';"],
  ['drizzle-orm-has-one-owner', 'src/ledger/planted.ts', "import 'drizzle-orm';"],
  ['pg-has-one-owner', 'src/workers/planted.ts', "import 'pg';"],
  ['undici-has-one-owner', 'src/workers/planted.ts', "import 'undici';"],
  ['lru-cache-has-one-owner', 'src/workers/planted.ts', "import 'lru-cache';"],
  ['http-imports-only-its-own', 'src/http/planted.ts', "import '../queue/queue.ts';"],
  ['amqplib-has-one-owner', 'src/workers/planted.ts', "import 'amqplib';"],
  ['prom-client-has-one-owner', 'src/workers/planted.ts', "import 'prom-client';"],
  ['pino-has-one-owner', 'src/workers/planted.ts', "import 'pino';"],
  ['commander-has-one-owner', 'src/workers/planted.ts', "import 'commander';"],
  ['csv-parse-has-one-owner', 'src/workers/planted.ts', "import 'csv-parse/sync';"],
  ['cli-progress-has-one-owner', 'src/workers/planted.ts', "import 'cli-progress';"],
  ['domain-is-pure', 'src/domain/planted.ts', "import 'node:crypto';"],
  ['ports-know-no-adapter', 'src/queue/queue.ts', "import './in-process.ts';"],
  ['no-cycles', 'src/domain/provider.ts', "import './planted.ts';"],
  ['source-knows-no-test', 'src/domain/planted.ts', "import '../../test/planted.ts';"],
  ['nothing-unresolved', 'src/domain/planted.ts', "import './nowhere.ts';"],
];

/** Imports that are added to files of the source; all else is planted in files of its own. */
const added = planted
  .filter(([, file]) => !file.endsWith('planted.ts'))
  .map(([, file, code]) => `${file} ${join(dirname(file), code.split("'")[1] ?? '')}`);

/** Whether it goes through an import that was planted, as one step of a cycle or as all of it. */
function isPlanted({ from, to, cycle = [] }: Violation): boolean {
  const way = [from, ...(cycle.length > 0 ? cycle.map(({ name }) => name) : [to])];
  return way.some((file, n) => file.endsWith('planted.ts') || added.includes(`${file} ${way[n + 1]}`));
}

// One run for everything: on a busy machine each takes long.
describe('the import table, with one violation of each rule planted,', () => {
  let folder = '';
  let report: Report['summary'];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'import-table-'));
    for (const one of ['src', 'tsconfig.json', 'package.json', '.dependency-cruiser.cjs']) {
      cpSync(join(root, one), join(folder, one), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const code = new Map<string, string>();
    for (const [, file, line] of planted) code.set(file, `${code.get(file) ?? ''}${line}\n`);
    code.set('test/planted.ts', 'export const planted = 1;\n');
    for (const [file, lines] of code) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      const isNew = file.endsWith('planted.ts');
      const cycle = file === 'src/domain/planted.ts' ? "import './provider.ts';\n" : '';
      writeFileSync(join(folder, file), `${cycle}${lines}`, { flag: isNew ? 'w' : 'a' });
    }
    report = await cruise(folder);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is broken nowhere else in the source, and the tool really read it', () => {
    expect(report.violations.filter((one) => !isPlanted(one))).toEqual([]);
    expect(report.totalCruised).toBeGreaterThan(modulesMin);
  });

  it.each(planted)('catches %s', (rule) => {
    expect(report.violations.filter(isPlanted).map((one) => one.rule.name)).toContain(rule);
  });
});
