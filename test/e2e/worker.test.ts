import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCli } from '../support/cli.ts';
import {
  backlogQueue,
  type DistributedWorld,
  openDistributedWorld,
  realTimeQueue,
  stopWorker,
} from '../support/distributed.ts';
import { openDoor } from '../support/door.ts';
import { freshDatabase } from '../support/postgres.ts';
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
  }, 120_000);

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

  it.each([
    ['a broker that is away', { RABBITMQ_PORT: '1' }, /^Nothing listens at .*RABBITMQ_PORT\.$/],
    [
      'a wrong password',
      { RABBITMQ_PASS: 'wrong' },
      /refuses the user: correct RABBITMQ_USER and RABBITMQ_PASS/,
    ],
    [
      'an unknown virtual host',
      { RABBITMQ_VHOST: 'nowhere' },
      /has no virtual host "nowhere".*RABBITMQ_VHOST\.$/,
    ],
  ])(
    '%s is one sentence at once, whatever the command',
    async (_, wrong, sentence) => {
      const commands = [['queue', 'publish', '--generate', '3'], ['queue', 'init'], ['worker']];
      const ended = await Promise.all(commands.map((args) => world.cli(args, wrong).ended));
      for (const { code, stdout, stderr } of ended) {
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
        expect(stderr.trim()).toMatch(sentence);
        expect(stderr.trim().split('\n')).toHaveLength(1);
      }
    },
    90_000,
  );

  it.each([
    ['a file that is not there', 'nothing.csv', null, 1, /"nothing\.csv" does not exist/],
    ['a folder', '.', null, 1, /is a folder: name a file in it/],
    ['a header that names no artist', 'odd.csv', 'a,b\n1,2\n', 1, /artist/],
  ])(
    'queue publish of %s is one sentence',
    async (_, name, content, code, sentence) => {
      const path = content === null ? name : join(folder, name);
      if (content !== null) writeFileSync(path, content);
      const published = await world.cli(['queue', 'publish', path]).ended;
      expect({ code: published.code, stdout: published.stdout }).toEqual({ code, stdout: '' });
      expect(published.stderr).toMatch(sentence);
    },
    60_000,
  );

  it('queue publish - reads standard input, and tells of its rows as of those of a file', async () => {
    const stdin = 'track_id,artist,title\nx5,Band 5,Song number 5\nx6,,Song\nx7,Band 0,Song number 7\n';
    const args = ['queue', 'publish', '-', '--json'];
    const published = await startCli(args, { ...world.environment(), stdin }).ended;
    expect(JSON.parse(published.stdout)).toEqual({ confirmed: { [realTimeQueue]: 2 }, rejected: 1 });
    expect(published.code).toBe(3);
    const rejects = 'stdin.rejects.jsonl';
    expect(JSON.parse(readFileSync(rejects, 'utf8'))).toMatchObject({ line: 3 });
    rmSync(rejects);
    await world.vhost.api('DELETE', `queues/%v/${realTimeQueue}/contents`);
  }, 60_000);

  it('without a file, or with two sources of tasks, its usage is wrong', async () => {
    for (const args of [[], [file('d.csv', [30], 5), '--generate', '1'], ['--generate', '0']])
      expect((await world.cli(['queue', 'publish', ...args]).ended).code).toBe(2);
  }, 60_000);

  it('an outage amid publishing: /readyz tells of it, and every task is confirmed in the end', async () => {
    const { host, port } = world.vhost.address;
    const door = await openDoor({ host, port });
    const publishing = world.cli(['queue', 'publish', '--generate', '20000'], {
      RABBITMQ_HOST: '127.0.0.1',
      RABBITMQ_PORT: String(door.port),
    });
    await publishing.said('/metrics are at http://');
    const url = /at (http:\S+)\.\n/.exec(publishing.output())?.[1] ?? '';
    const get = async (path: string) => {
      const response = await fetch(`${url}${path}`);
      return `${response.status} ${await response.text()}`;
    };
    const patience = { timeout: 20_000, interval: 20 };
    const confirmed = `enrichment_published_total{queue="${realTimeQueue}",result="confirmed"}`;
    await expect.poll(() => get('/metrics'), patience).toContain(confirmed);
    door.cut();
    await expect.poll(() => get('/readyz'), patience).toMatch(/^503 .*(Nothing listens|RabbitMQ)/);
    expect(await get('/healthz')).toBe('200 ok\n');
    door.mend();
    const ended = await publishing.ended;
    expect(ended.stdout, ended.stderr).toContain('Published enrichment task: 20000 confirmed.');
    expect(ended.code).toBe(0);
    await door.close();
    await world.vhost.api('DELETE', `queues/%v/${realTimeQueue}/contents`);
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
    expect(metrics).toContain('dlq_messages_total{queue="enrichment_dead_letter_inbox"} 0');
    expect(metrics).toContain('enrichment_rate_limit_remaining{provider="spotify"} +Inf');
    expect(metrics).toContain(`enrichment_task_duration_seconds_count{queue="${realTimeQueue}"} 1`);
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

  it('track show, find and history ask the servers, and a data folder where one is named', async () => {
    const show = await world.cli(['track', 'show', 't3', '--json']).ended;
    expect(JSON.parse(show.stdout), show.stderr).toMatchObject({ track_id: 't3', title: 'Song number 3' });
    const find = await world.cli(['track', 'find', 'NUMBER', '25']).ended;
    expect(find.stdout).toMatch(/^t25 +completed +Band 4 – Song number 25\n$/);
    const history = await world.cli(['track', 'history', 't3']).ended;
    expect(history.stdout).toContain('enriched, completed, from Spotify, MusicBrainz, Last.fm');
    const unknown = await world.cli(['track', 'show', 'nobody']).ended;
    expect({ code: unknown.code, stderr: unknown.stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no track "nobody" in DATABASE_URL'),
    });
    const elsewhere = await world.cli(['track', 'show', 't3', '--data-dir', join(folder, 'none')]).ended;
    expect(elsewhere.stderr).toContain('There is no data folder');
    const alone = await world.cli(['track', 'find', 'a'], { DATABASE_URL: '' }).ended;
    expect(alone.stderr).toContain('There is no data folder "enrichment-data"');
  }, 120_000);

  it('without tables there is one sentence on what to run', async () => {
    const empty = await freshDatabase();
    const asked = await world.cli(['track', 'find', 'a'], { DATABASE_URL: empty.url }).ended;
    expect(asked.stderr).toMatch(/^The tables of the read models are not there: run "migrate" first/);
    await empty.drop();
  }, 60_000);
});
