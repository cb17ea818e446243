import { describe, expect, it } from 'vitest';
import { composeFiles, servicesOf, textOf } from './compose-files.ts';

const servers = servicesOf('docker-compose.yml');
const processes = servicesOf('docker-compose.enrichment-workers.yml');
const all = { ...servers, ...processes };

describe('the names that users of the guide type', () => {
  it('are the names of the services', () => {
    expect(Object.keys(servers).sort()).toEqual(['eventstoredb', 'postgres', 'rabbitmq', 'redis']);
    expect(Object.keys(processes).sort()).toEqual([
      'enrichment-backlog-worker',
      'enrichment-queue-init',
      'enrichment-worker',
      'projector',
    ]);
  });

  it('are those of the database and of its user', () => {
    expect(servers.postgres?.environment).toMatchObject({
      POSTGRES_DB: 'musicdb',
      POSTGRES_USER: 'musicdb_user',
    });
    expect(processes.projector?.environment?.DATABASE_URL).toContain('//musicdb_user@postgres:5432/musicdb}');
  });

  it('are the ports of the host, on this machine only', () => {
    expect(servers.rabbitmq?.ports).toEqual(['127.0.0.1:5673:5672', '127.0.0.1:15673:15672']);
    for (const { ports = [] } of Object.values(all)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    }
  });

  it('are the variables for the number of workers, with its defaults', () => {
    expect(processes['enrichment-worker']?.deploy?.replicas).toMatch(/^\$\{ENRICHMENT_WORKERS:-3\}$/);
    expect(processes['enrichment-backlog-worker']?.deploy?.replicas).toMatch(
      /^\$\{ENRICHMENT_BACKLOG_WORKERS:-1\}$/,
    );
  });
});

describe('servers', () => {
  it.each(Object.entries(servers))('%s is checked, keeps its data and comes back by itself', (_, service) => {
    expect(service.healthcheck?.test).toBeDefined();
    // A named volume; what is mounted from the checkout is only read.
    const kept = (service.volumes ?? []).filter((volume) => !volume.endsWith(':ro'));
    expect(kept).toHaveLength(1);
    expect(service.restart).toBe('unless-stopped');
  });
});

describe('processes', () => {
  it('are of one image, which one service builds', () => {
    const images = new Set(Object.values(processes).map(({ image }) => image));
    expect(images).toEqual(new Set(['enrichment-ledger:local']));
    expect(Object.entries(processes).filter(([, { build }]) => build !== undefined)).toMatchObject([
      ['enrichment-queue-init', {}],
    ]);
  });

  it('begin when what they need is healthy, workers when the queues are there', () => {
    expect(processes['enrichment-queue-init']?.depends_on).toEqual({
      rabbitmq: { condition: 'service_healthy' },
    });
    for (const worker of ['enrichment-worker', 'enrichment-backlog-worker'] as const) {
      expect(processes[worker]?.depends_on).toEqual({
        rabbitmq: { condition: 'service_healthy' },
        redis: { condition: 'service_healthy' },
        postgres: { condition: 'service_healthy' },
        eventstoredb: { condition: 'service_healthy' },
        'enrichment-queue-init': { condition: 'service_completed_successfully' },
      });
    }
  });

  it('come back by themselves, but the queues are made once', () => {
    for (const [name, { restart }] of Object.entries(processes)) {
      expect(restart, name).toBe(name === 'enrichment-queue-init' ? 'no' : 'unless-stopped');
    }
  });

  it('may take longer to stop than they give themselves', () => {
    const [, own = ''] = /stopMsMax = (\d+)_000/.exec(textOf('src/cli/service.ts')) ?? [];
    for (const { stop_grace_period: grace = '' } of Object.values(processes)) {
      expect(Number.parseInt(grace, 10)).toBeGreaterThan(Number(own));
    }
  });

  it.each(['enrichment-worker', 'enrichment-backlog-worker'])(
    '%s keeps to the limits of a worker',
    (name) => {
      expect(processes[name]?.deploy?.resources).toEqual({
        limits: { cpus: '0.5', memory: '512M' },
        reservations: { cpus: '0.25', memory: '256M' },
      });
    },
  );
});

it('nothing has a name that grep takes for a worker', () => {
  // `docker compose ps | grep enrichment-worker | wc -l` counts workers: the image must not bear their name.
  for (const { image } of Object.values(all)) expect(image).not.toContain('enrichment-worker');
  for (const file of composeFiles) expect(textOf(file)).not.toContain('container_name');
});
