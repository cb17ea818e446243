import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  backlogQueue,
  type DistributedWorld,
  openDistributedWorld,
  realTimeQueue,
  stopWorker,
} from '../support/distributed.ts';
import { describeWithRabbitmq, openVhost } from '../support/services/vhost.ts';

describeWithRabbitmq('the distributed mode, as an operator types it', () => {
  let world: DistributedWorld;
  let folder = '';
  beforeAll(async () => {
    world = await openDistributedWorld({ tracks: 40 });
    folder = mkdtempSync(join(tmpdir(), 'enrichment-e2e-'));
  });
  afterAll(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (name: string, rows: readonly number[], priority: number) => {
    const lines = rows.map((n) => `t${n},Band ${n % 7},Song number ${n},${180_000 + n * 1000},${priority}`);
    const path = join(folder, name);
    writeFileSync(path, `track_id,artist,title,duration_ms,priority\n${lines.join('\n')}\n`);
    return path;
  };

  it('says what it finds: a worker without its queues, doctor with them', async () => {
    const elsewhere = await openVhost();
    const lost = await world.cli(['worker'], elsewhere.environment).ended;
    expect(lost.code).toBe(1);
    expect(lost.stderr).toMatch(/RabbitMQ \S+ lacks "metadata_enrichment_queue", .*queue init" first/);
    const unset = await world.cli(['worker'], { RABBITMQ_USER: '' }).ended;
    expect(unset.code).toBe(2);
    expect(unset.stderr).toContain('This command needs RABBITMQ_USER and RABBITMQ_PASS');
    const keyless = {
      MUSICBRAINZ_USER_AGENT: '',
      SPOTIFY_CLIENT_ID: '',
      SPOTIFY_CLIENT_SECRET: '',
      LASTFM_API_KEY: '',
    };
    const idle = await world.cli(['worker'], keyless).ended;
    expect(idle.stderr).toContain('No provider is configured');
    await elsewhere.drop();
    const doctor = await world.cli(['doctor']).ended;
    expect(doctor.stdout).toMatch(/ok +RabbitMQ +RabbitMQ \S+, every queue is there/);
    for (let time = 0; time < 2; time++) {
      const init = await world.cli(['queue', 'init']).ended;
      expect(init.code, init.stderr).toBe(0);
      expect(init.stdout).toContain('ok  queue metadata_enrichment_queue');
    }
  }, 60_000);

  it('publishes a file, and the same again makes no new tasks', async () => {
    const rows = Array.from({ length: 20 }, (_, n) => n);
    const path = file('a.csv', rows, 7);
    for (let time = 0; time < 2; time++) {
      const published = await world.cli(['queue', 'publish', path]).ended;
      expect(published.code, published.stderr).toBe(0);
      expect(published.stdout).toContain('Published enrichment task: 20 confirmed.');
    }
    await expect.poll(() => world.vhost.depth(realTimeQueue)).toEqual({ ready: 40, unacked: 0 });
    const worker = await world.worker();
    await world.drained(30_000);
    const ended = await stopWorker(worker);
    expect(ended.code, ended.stderr).toBe(0);
    for (const n of rows) {
      const types = (await world.eventsOf(n)).map(({ type }) => type);
      expect(types.filter((type) => type === 'Enriched')).toHaveLength(1);
      expect(types.filter((type) => type === 'ApiCalled')).toHaveLength(3);
    }
    expect(ended.stderr).toMatch(/Processing enrichment task: [0-9a-f-]{36}/);
    expect(ended.stderr).toContain(
      '✓ Enriched: Band 3 - Song number 3 (source: spotify, musicbrainz, lastfm)',
    );
  }, 60_000);

  it('a file with rows that cannot be read is published all but these, which stand in a file with their lines', async () => {
    const path = join(folder, 'b.csv');
    writeFileSync(path, 'track_id,artist,title\nx1,Band 1,Song number 1\nx2,,Song\n');
    const published = await world.cli(['queue', 'publish', path]).ended;
    expect(published.code).toBe(3);
    expect(published.stdout).toMatch(/1 not published: see .*b\.csv\.rejects\.jsonl/);
    const rejects = 'b.csv.rejects.jsonl';
    expect(JSON.parse(readFileSync(rejects, 'utf8'))).toMatchObject({ line: 3 });
    rmSync(rejects);
    await world.vhost.api('DELETE', `queues/%v/${realTimeQueue}/contents`);
  }, 60_000);

  it('a broker that is away: after half a minute one sentence says so, and how to go on', async () => {
    const published = await world.cli(['queue', 'publish', '--generate', '3'], { RABBITMQ_PORT: '1' }).ended;
    expect(published.code).toBe(1);
    expect(published.stderr).toMatch(/Nothing listens at .*RABBITMQ_PORT\. Run the same command again/);
    rmSync('test tasks.rejects.jsonl', { force: true });
  }, 90_000);

  it('low priorities go to the backlog, which a backlog worker takes', async () => {
    const published = await world.cli(['queue', 'publish', file('c.csv', [20, 21], 2)]).ended;
    expect(published.stdout).toContain(`2  ${backlogQueue}`);
    const worker = await world.worker(['--queue', 'backlog']);
    await world.drained(30_000);
    await stopWorker(worker);
    for (const n of [20, 21]) expect((await world.eventsOf(n)).at(-1)?.type).toBe('Enriched');
  }, 60_000);

  it('tells of its health and counts what it does', async () => {
    const worker = await world.worker();
    await world.publish(25);
    await world.drained(30_000);
    const port = await world.healthPort(worker);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, text: await response.text() };
    };
    expect(await get('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    expect(await get('/readyz')).toEqual({ status: 200, text: '{"ready":true,"reasons":[]}\n' });
    const metrics = (await get('/metrics')).text;
    expect(metrics).toContain('enrichment_api_calls_total{provider="spotify",status="found"} 1');
    expect(metrics).toContain('enrichment_tasks_total{source="none",status="completed"} 1');
    expect(metrics).toContain('enrichment_circuit_breaker_state{provider="lastfm"} 0');
    expect(metrics).toContain('dlq_messages_total{queue="metadata_enrichment_dlq"} 0');
    expect((await get('/nowhere')).status).toBe(404);
    await stopWorker(worker);
  }, 60_000);

  it('the projector brings what is in the ledger to the tables', async () => {
    const migrated = await world.cli(['migrate']).ended;
    expect(migrated.code, migrated.stderr).toBe(0);
    const projector = world.cli(['projector']);
    await projector.said('is running');
    await expect
      .poll(() => world.database.query('SELECT count(*)::int AS n FROM enrichment.tracks'), {
        timeout: 15_000,
      })
      .toEqual([{ n: 23 }]);
    const ended = await stopWorker(projector);
    expect(ended.code, ended.stderr).toBe(0);
  }, 60_000);
});
