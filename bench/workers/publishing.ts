import { connect } from 'amqplib';
import { EnrichmentQueuePublisher } from '../../src/queue/publisher.ts';
import { laneQueues } from '../../src/queue/topology.ts';
import { flags } from './flags.ts';
import { inLanes } from './lanes.ts';
import { median } from './median.ts';
import type { Servers } from './servers.ts';
import { bodyOf, trackOf } from './tracks.ts';

const publishedPerRound = 10_000;
const unconfirmed = 500;

/** Publishing with confirms, beside bare amqplib with the same message and as many unconfirmed. */
export async function publishing({ address }: Servers): Promise<void> {
  const queue = laneQueues['real-time'];
  const publisher = new EnrichmentQueuePublisher(address, { name: 'bench' });
  const model = await connect({ hostname: address.host, port: address.port });
  const channel = await model.createConfirmChannel();
  const ours = (n: number) => publisher.publish({ trackId: `bench${n}`, ...trackOf(n) });
  const bare = (n: number) =>
    new Promise<void>((done, failed) => {
      const options = {
        persistent: true,
        mandatory: true,
        messageId: `bench${n}`,
        priority: 5,
        contentType: 'application/json',
        headers: { 'x-hop': 0 },
      };
      channel.publish('', queue, Buffer.from(bodyOf(`bench${n}`, n)), options, (error) =>
        error ? failed(error as Error) : done(),
      );
    });
  const rates: { ours: number; bare: number }[] = [];
  for (let round = -1; round < flags.rounds; round++) {
    const pair = { ours: 0, bare: 0 };
    const sides = [
      async () => {
        pair.ours = await perSecond(ours);
      },
      async () => {
        pair.bare = await perSecond(bare);
      },
    ];
    for (const side of round % 2 === 0 ? sides : sides.reverse()) {
      await side();
      await channel.purgeQueue(queue);
    }
    if (round >= 0) rates.push(pair);
  }
  await publisher.close();
  await model.close();
  const [mine, theirs] = [median(rates.map((one) => one.ours)), median(rates.map((one) => one.bare))];
  const ratio = median(rates.map((one) => one.ours / one.bare));
  console.log(
    `publish with confirms: ${mine.toFixed(0)}/s, bare amqplib ${theirs.toFixed(0)}/s, ratio ${ratio.toFixed(2)} (target 0.8)\n`,
  );
}

async function perSecond(publish: (n: number) => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await inLanes(publishedPerRound, unconfirmed, publish);
  return (publishedPerRound * 1000) / (performance.now() - start);
}
