import { connect } from 'amqplib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createConnection } from '../../../src/queue/rabbitmq-connection.ts';
import { checkTopology, initTopology, neededByWorkers } from '../../../src/queue/rabbitmq-init.ts';
import { createManagement } from '../../../src/queue/rabbitmq-management.ts';
import { probeBroker } from '../../../src/queue/rabbitmq-probe.ts';
import { topologyOf } from '../../../src/queue/topology.ts';
import { describeWithRabbitmq, openVhost, type Vhost } from '../../support/services/vhost.ts';

describeWithRabbitmq('queue init', () => {
  let vhost: Vhost;
  beforeEach(async () => {
    vhost = await openVhost();
  });
  afterEach(() => vhost.drop());

  async function declare(
    name: string,
    args: Readonly<Record<string, unknown>>,
    durable = true,
  ): Promise<void> {
    const { host: hostname, port, user: username, password, vhost: where } = vhost.address;
    const model = await connect({ hostname, port, username, password, vhost: where });
    const channel = await model.createChannel();
    await channel.assertQueue(name, { durable, arguments: args });
    await model.close();
  }

  it('makes exactly the queues and arguments that others declare, and again changes nothing', async () => {
    for (let time = 0; time < 2; time++) {
      const report = await initTopology({ ...vhost, type: 'classic' });
      expect(report).toMatchObject({ differences: [], byHand: [] });
      // The private broker runs without it.
      expect(report.notes.every((note) => note.includes('rabbitmq-plugins enable'))).toBe(true);
      expect(report.server).toMatch(/^RabbitMQ \d/);
    }
    const day = 86_400_000;
    const dead = {
      'x-dead-letter-exchange': 'metadata_enrichment_dlx',
      'x-dead-letter-routing-key': 'failed',
    };
    // As the scrapers of the old system declare them, in any order.
    await declare('metadata_enrichment_queue', {
      'x-message-ttl': day,
      'x-max-priority': 10,
      ...dead,
      'x-max-length': 100_000,
    });
    await declare('metadata_enrichment_backlog_queue', {
      'x-message-ttl': 7 * day,
      ...dead,
      'x-max-length': 1_000_000,
    });
    await declare('metadata_enrichment_dlq', { 'x-message-ttl': 7 * day, 'x-max-length': 10_000 });
    const policies = await vhost.api('GET', 'policies/%v');
    expect(policies).toMatchObject([{ definition: { overflow: 'reject-publish' } }]);
  });

  it('works after others declared the queues first', async () => {
    const { queues } = topologyOf('classic');
    for (const { name, arguments: args } of queues.slice(0, 4)) await declare(name, args);
    expect(await initTopology({ ...vhost, type: 'classic' })).toMatchObject({ differences: [] });
  });

  it.each([
    ['with the management API', true],
    ['without it', false],
  ])(
    'a queue with other arguments is reported: argument, found, wanted, what to do; %s',
    async (_, managed) => {
      await declare('metadata_enrichment_queue', { 'x-max-priority': 5 });
      const managementUrl = managed ? vhost.managementUrl : 'http://127.0.0.1:1';
      const { differences, byHand } = await initTopology({ ...vhost, managementUrl, type: 'classic' });
      const all = differences.join('\n');
      expect(differences).toHaveLength(1);
      expect(all).toMatch(
        /The queue metadata_enrichment_queue has x-\S+ .*, and .* is wanted: .*rabbitmqctl delete_queue metadata_enrichment_queue/,
      );
      if (managed) expect(all).toContain('x-max-priority 5, and 10 is wanted');
      else expect(byHand.join()).toMatch(/^rabbitmqctl set_policy .*reject-publish/);
    },
  );

  it('quorum queues are made as well, and their order of messages is told', async () => {
    const report = await initTopology({ ...vhost, type: 'quorum' });
    expect(report.differences).toEqual([]);
    expect(report.notes.join()).toMatch(/Quorum queues of \S+ give messages/);
    const again = await initTopology({ ...vhost, type: 'classic' });
    expect(again.differences.join()).toContain('x-queue-type "quorum", and "classic" is wanted');
  });

  it('a queue that would not survive a restart is reported, though its arguments are right', async () => {
    const wanted = { 'x-message-ttl': 604_800_000, 'x-max-length': 10_000 };
    await declare('metadata_enrichment_dlq', wanted, false);
    const { differences } = await initTopology({ ...vhost, type: 'classic' });
    expect(differences).toEqual([
      expect.stringContaining('The queue metadata_enrichment_dlq has durable false, and true is wanted: '),
    ]);
  });

  it('a probe tells of a queue that would drop messages when it is full, until the policy is there', async () => {
    await initTopology({ ...vhost, type: 'classic' });
    const { version } = await checkTopology(vhost.address, neededByWorkers());
    const management = createManagement({ url: vhost.managementUrl, ...vhost.address });
    const dropping = async () =>
      (await probeBroker({ management, type: 'classic', version })).filter((note) => note.includes('drops'));
    await expect.poll(dropping, { timeout: 5000 }).toEqual([]);
    await vhost.api('DELETE', 'policies/%v/enrichment-refuse-when-full');
    await expect.poll(dropping, { timeout: 5000 }).toHaveLength(2);
    const old = await probeBroker({ management, type: 'classic', version: '3.9.29' });
    expect(old[0]).toContain('3.9.29 is older than 3.10');
  });

  it('a worker only looks, and names what is missing', async () => {
    const { missing } = await checkTopology(vhost.address, neededByWorkers());
    expect(missing).toEqual([...neededByWorkers().queues, 'metadata_enrichment_dlx']);
    await initTopology({ ...vhost, type: 'classic' });
    expect((await checkTopology(vhost.address, neededByWorkers())).missing).toEqual([]);
  });

  it.each([
    ['another password', { password: 'wrong' }, /refuses the user: correct RABBITMQ_USER and RABBITMQ_PASS/],
    ['a virtual host that is not there', { vhost: 'nowhere' }, /RABBITMQ_VHOST/],
    ['a host that nobody knows', { host: 'no-such-host.invalid' }, /RABBITMQ_HOST/],
    ['a port where nothing listens', { port: 1 }, /Nothing listens at .*RABBITMQ_PORT/],
  ])('%s is one sentence that names the variable', async (_, wrong, sentence) => {
    const connection = createConnection({ ...vhost.address, ...wrong }, 'wrong');
    await expect(connection.channel()).rejects.toThrow(sentence);
    await connection.close();
  });
});
