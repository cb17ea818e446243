import { afterAll } from 'vitest';
import { createRabbitmqQueue } from '../../../src/queue/rabbitmq.ts';
import { initTopology } from '../../../src/queue/rabbitmq-init.ts';
import type { QueueType } from '../../../src/queue/topology.ts';
import { describeWithRabbitmq, openVhost, type Vhost } from '../../support/services/vhost.ts';
import { queueContract } from '../contract.ts';

describeWithRabbitmq('RabbitMQ', () => {
  const vhosts: Vhost[] = [];
  afterAll(async () => void (await Promise.all(vhosts.map((vhost) => vhost.drop()))));

  const openWith = async (type: QueueType) => {
    const vhost = await openVhost();
    vhosts.push(vhost);
    const { address, managementUrl } = vhost;
    const { differences } = await initTopology({ address, managementUrl, type });
    if (differences.length > 0) throw new Error(differences.join('\n'));
    return createRabbitmqQueue({ address, name: 'contract', redeliveryDelayMs: 20 });
  };

  queueContract('the queue on RabbitMQ', { lateMsMax: 1100, open: () => openWith('classic') });
  queueContract('the queue on quorum queues of RabbitMQ', {
    lateMsMax: 1100,
    // See quorum.test.ts.
    byPriority: false,
    open: () => openWith('quorum'),
  });
});
