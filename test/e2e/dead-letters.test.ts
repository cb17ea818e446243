import { afterAll, beforeAll, expect, it } from 'vitest';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import type { Started } from '../support/cli.ts';
import {
  type DistributedWorld,
  openDistributedWorld,
  realTimeQueue,
  stopWorker,
} from '../support/distributed.ts';
import { openDoor } from '../support/door.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';

const down = {
  faults: { ...noFaults, outage: { fromSeconds: 0, toSeconds: 3600, provider: 'all' as const } },
};
const oneAttempt = { API_MAX_RETRIES: '1' };

describeWithRabbitmq('dead letters', () => {
  let world: DistributedWorld;
  let projector: Started;
  let failedIds: string[] = [];
  beforeAll(async () => {
    world = await openDistributedWorld({ tracks: 20 });
    expect((await world.cli(['migrate']).ended).code).toBe(0);
    projector = world.cli(['projector']);
    await projector.said('is running');
    await world.changeProviders(down);
    const worker = await world.worker([], oneAttempt);
    failedIds = await Promise.all([0, 1, 2].map((n) => world.publish(n, { priority: n === 2 ? 9 : 5 })));
    await world.drained(40_000);
    await stopWorker(worker);
    await world.changeProviders({});
  }, 90_000);
  afterAll(() => world.close());

  const cli = async (...args: string[]) => world.cli(args).ended;
  const listed =
    (args: string[] = []) =>
    async () => {
      const { stdout } = await cli('dlq', 'list', '--json', ...args);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { taskId: string }).taskId)
        .toSorted();
    };

  it('are the tasks that failed for good: listed, counted, shown, and found by filters', async () => {
    await expect.poll(listed(), { timeout: 20_000, interval: 200 }).toEqual(failedIds.toSorted());
    const { stdout } = await cli('dlq', 'list');
    expect(stdout).toMatch(/^failed at \(UTC\) +error type +settled +track +task id\n/);
    expect(stdout).toMatch(/unavailable .*Band 2 – Song number 2 .*\n/);
    expect(stdout).toMatch(/^ {2}3 {2}unavailable$/m);
    expect(await listed(['--provider', 'spotify', '--since', '1h', '--text', 'number 1'])()).toEqual([
      failedIds[1],
    ]);
    expect(await listed(['--error-type', 'crashes'])()).toEqual([]);
    const shown = await cli('dlq', 'show', failedIds[0] ?? '');
    expect(shown.stdout).toContain('"reason": "unavailable"');
    const unknown = await cli('dlq', 'show', 'nobody');
    expect(unknown.stderr).toContain('There is no dead letter "nobody"');
    expect(await listed(['--source', 'nobody'])()).toEqual([]);
  }, 120_000);

  it.each([
    [
      'an error type that is none',
      ['list', '--error-type', 'bad luck'],
      2,
      /Allowed choices are .*unavailable/,
    ],
    ['neither id nor filter', ['replay'], 2, /Name task ids, or a filter/],
    ['both id and filter', ['replay', 'a', '--text', 'b'], 2, /one of the two/],
    ['an id that nobody has', ['replay', 'nobody'], 1, /There is no dead letter "nobody"/],
  ])(
    'dlq with %s: one sentence, and nothing is done',
    async (_, args, code, sentence) => {
      const ended = await cli('dlq', ...args);
      expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' });
      expect(ended.stderr).toMatch(sentence);
    },
    120_000,
  );

  it('are replayed: first a fact, then a new task on the original route; repeated while it is unfinished, the same one', async () => {
    const [id = ''] = failedIds.slice(2);
    const dry = await cli('dlq', 'replay', id, '--dry-run');
    expect(dry.stdout).toContain('1 dead letter would be replayed');
    const ids: (string | undefined)[] = [];
    for (let time = 0; time < 2; time++) {
      const { stdout, stderr } = await cli('dlq', 'replay', id, '--why', 'it is back');
      expect(stdout, stderr).toContain('1 dead letter replayed.');
      ids.push(/as ([0-9a-f-]{36})/.exec(stdout)?.[1]);
    }
    expect(ids[0]).toBe(ids[1]);
    // As after a crash between fact and message: until the replay arrives, filters and reconcile find it as well.
    const filtered = await cli('dlq', 'replay', '--text', 'Song number 2', '--dry-run');
    expect(filtered.stdout).toContain('1 dead letter would be replayed');
    await expect.poll(() => world.vhost.depth(realTimeQueue), { timeout: 5000 }).toMatchObject({ ready: 2 });
    const worker = await world.worker();
    await world.drained(30_000);
    await stopWorker(worker);
    const events = await world.eventsOf(2);
    expect(events.filter(({ type }) => type === 'Replayed')).toMatchObject([
      { data: { n: 1, why: 'it is back', newTaskId: ids[0] } },
    ]);
    expect(events.filter(({ type }) => type === 'Enriched')).toMatchObject([
      { metadata: { taskId: ids[0] } },
    ]);
    await expect.poll(listed(), { timeout: 10_000, interval: 200 }).toEqual(failedIds.slice(0, 2).toSorted());
  }, 120_000);

  it('a replay that is killed between fact and message: run again, it publishes the same id', async () => {
    const [id = ''] = failedIds.slice(1);
    const { host, port } = world.vhost.address;
    const broker = await openDoor({ host, port });
    broker.freeze();
    const killed = world.cli(['dlq', 'replay', id], {
      RABBITMQ_HOST: '127.0.0.1',
      RABBITMQ_PORT: String(broker.port),
    });
    const replays = async () =>
      (await world.eventsOf(1)).filter(({ type }) => type === 'Replayed').map(({ data }) => data.newTaskId);
    await expect.poll(replays, { timeout: 30_000, interval: 20 }).toHaveLength(1);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    await broker.close();
    expect(await world.vhost.depth(realTimeQueue)).toEqual({ ready: 0, unacked: 0 });
    const [newTaskId] = await replays();
    const again = await cli('dlq', 'replay', id);
    expect(again.stdout, again.stderr).toContain(`as ${newTaskId} (again: it is unfinished)`);
    expect(await replays()).toEqual([newTaskId]);
    const worker = await world.worker();
    await world.drained(30_000);
    await stopWorker(worker);
    const ends = (await world.eventsOf(1)).filter(({ type }) => type === 'Enriched');
    expect(ends).toMatchObject([{ metadata: { taskId: newTaskId } }]);
    await expect.poll(listed(), { timeout: 10_000, interval: 200 }).toEqual([failedIds[0]]);
  }, 120_000);

  it('are dismissed with a reason, which the ledger keeps', async () => {
    const { stdout, stderr } = await cli('dlq', 'dismiss', failedIds[0] ?? '', '--why', 'not a track');
    expect(stdout, stderr).toContain('1 dead letter dismissed.');
    expect((await world.eventsOf(0)).at(-1)).toMatchObject({
      type: 'Dismissed',
      data: { why: 'not a track' },
    });
    await expect.poll(listed(), { timeout: 10_000, interval: 200 }).toEqual([]);
  }, 120_000);

  it('are replayed at a bounded rate, which /metrics counts meanwhile', async () => {
    const startedMs = performance.now();
    const replaying = world.cli(['dlq', 'replay', ...failedIds.slice(0, 2), '--rate', '1']);
    await replaying.said('1 of 2');
    const url = /at (http:\S+)\.\n/.exec(replaying.output())?.[1] ?? '';
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    expect(await metrics()).toContain('dlq_replay_total{status="replayed"} 1');
    expect(await (await fetch(`${url}/readyz`)).text()).toContain('"ready":true');
    const ended = await replaying.ended;
    expect(ended.stdout, ended.stderr).toContain('2 dead letters replayed.');
    expect(performance.now() - startedMs).toBeGreaterThan(1000);
    await world.vhost.api('DELETE', `queues/%v/${realTimeQueue}/contents`);
  }, 120_000);

  it('what the broker gave up becomes one: undecided tasks fail with its reason, poison included', async () => {
    await world.vhost.api('PUT', 'policies/%v/short', {
      pattern: `^${realTimeQueue}$`,
      definition: { 'message-ttl': 100, overflow: 'reject-publish' },
      'apply-to': 'queues',
      priority: 10,
    });
    const expired = await world.publish(5);
    await expect
      .poll(() => world.vhost.depth('enrichment_dead_letter_inbox'), { timeout: 10_000 })
      .toMatchObject({ ready: 1 });
    await world.vhost.api('DELETE', 'policies/%v/short');
    const worker = await world.worker();
    await world.drained(30_000);
    await stopWorker(worker);
    expect(
      (await world.eventsOf(5)).map(({ type, data, metadata }) => [type, data.reason, metadata.taskId]),
    ).toEqual([
      ['TaskReceived', undefined, expired],
      ['Failed', 'expired', expired],
    ]);
  }, 120_000);

  it('a message that was purged is published again by reconcile, under its id, once it is overdue', async () => {
    // Received, its retry purged: as of an outage in which the broker lost its messages.
    await world.changeProviders(down);
    const worker = await world.worker([], { API_INITIAL_DELAY: '60' });
    const taskId = await world.publish(7);
    await expect.poll(async () => (await world.eventsOf(7)).at(-1)?.type, { timeout: 30_000 }).toBe('Failed');
    await stopWorker(worker);
    await world.changeProviders({});
    const waits = ['1m'];
    await expect
      .poll(
        async () => {
          for (const wait of waits)
            await world.vhost.api('DELETE', `queues/%v/metadata_enrichment_wait_${wait}/contents`);
          return world.drained(1000).then(
            () => 'empty',
            (error: Error) => error.message,
          );
        },
        { timeout: 20_000 },
      )
      .toBe('empty');
    await world.database.query(
      `UPDATE enrichment.tasks SET due_at = now() - interval '2 hours' WHERE task_id = '${taskId}'`,
    );
    const dry = await cli('queue', 'reconcile', '--dry-run');
    expect(dry.stdout, dry.stderr).toContain('1 message would be published again.');
    const done = await cli('queue', 'reconcile');
    expect(done.stdout, done.stderr).toContain('1 message published again.');
    await world.vhost.api('DELETE', 'queues/%v/metadata_enrichment_wait_1m/contents').catch(() => undefined);
  }, 90_000);
});
