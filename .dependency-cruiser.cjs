// The import table: which folder may import which, and which folder owns which client library. ARCHITECTURE.md
// says why; test/tree/import-table.test.ts plants a violation of every rule and sees it caught.

/** Folders below src/ and what each may import besides itself. */
const mayImport = {
  domain: [],
  telemetry: [],
  embedded: ['telemetry'],
  threads: [],
  ledger: ['domain', 'telemetry'],
  queue: ['domain', 'telemetry'],
  http: ['telemetry'],
  cache: ['domain', 'telemetry'],
  providers: ['domain', 'cache', 'telemetry'],
  workers: ['domain', 'ledger', 'queue', 'cache', 'providers', 'telemetry'],
  projections: ['domain', 'ledger', 'telemetry', 'threads'],
  redecision: ['domain', 'ledger', 'threads'],
};

/** The only files of a folder that other folders may import: its port and what stands beside it. */
const publicFiles = {
  ledger: [
    'ledger',
    'skim',
    'skimmed-event',
    'track-events',
    'decision-steps',
    'streams-page',
    'copy-streams',
    'sent-event',
    'read-range',
  ],
  queue: ['queue', 'message', 'task-id'],
  cache: ['answer-cache', 'kept-answer', 'single-flight', 'redis-client'],
  providers: ['provider-client', 'gate', 'gate-report', 'pass-gate'],
};

const owners = {
  amqplib: ['queue'],
  '@eventstore/db-client': ['ledger'],
  ioredis: ['cache', 'providers'],
  'drizzle-orm': ['projections'],
  pg: ['projections', 'ledger', 'embedded'],
  'pg-copy-streams': ['projections', 'ledger'],
  undici: ['providers'],
  'lru-cache': ['cache'],
  pino: ['telemetry'],
  'prom-client': ['telemetry'],
  commander: ['cli'],
  'csv-parse': ['cli'],
  'cli-progress': ['cli'],
};

const folders = Object.entries(mayImport).map(([folder, others]) => ({
  name: `${folder}-imports-only-its-own`,
  severity: 'error',
  comment: `src/${folder}/ may import ${others.length === 0 ? 'nothing else' : others.join(', ')} of src/.`,
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...others].join('|')})/` },
}));

const ports = Object.entries(publicFiles).map(([folder, files]) => ({
  name: `${folder}-is-used-through-its-port`,
  severity: 'error',
  comment: `Other folders take src/${folder}/ through its port; only the composition root and the command line reach past it.`,
  from: { path: '^src/', pathNot: `^src/(${folder}/|app(-shared|-workers)?\\.ts$|cli/)` },
  to: { path: `^src/${folder}/`, pathNot: `^src/${folder}/(${files.join('|')})\\.ts$` },
}));

const packages = Object.entries(owners).map(([name, owned]) => ({
  name: `${name.replace(/\W+/g, '-').replace(/^-/, '')}-has-one-owner`,
  severity: 'error',
  comment: `${name} is used in src/${owned.join('/ and src/')}/ only.`,
  from: { path: '^src/', pathNot: `^src/(${owned.join('|')})/` },
  to: { path: `(^|/)node_modules/(@types/)?${name}/` },
}));

module.exports = {
  forbidden: [
    ...folders,
    ...ports,
    ...packages,
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment: 'src/domain/ imports no node module and no package but its allow-list for comparing text.',
      from: { path: '^src/domain/' },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional'],
        pathNot: '(^|/)node_modules/any-ascii/',
      },
    },
    {
      name: 'redecision-calls-nobody',
      severity: 'error',
      comment:
        'Deciding again is over recorded answers: no provider can be reached from it, by any number of steps.',
      from: { path: '^src/redecision/' },
      to: { path: '(^src/(providers|workers|queue|cache)/|(^|/)node_modules/undici/)', reachable: true },
    },
    {
      name: 'ports-know-no-adapter',
      severity: 'error',
      comment: 'A port imports the domain, never what implements it.',
      from: {
        path: '^src/(ledger/ledger|queue/queue|cache/(answer-cache|single-flight)|providers/(gate|provider-client))\\.ts$',
      },
      to: { path: '^(src|node_modules)/', pathNot: '^src/domain/' },
    },
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'source-knows-no-test',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
