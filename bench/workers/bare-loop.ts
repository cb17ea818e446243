/** The limit: bare amqplib, ioredis and client of the ledger, in a loop by hand. QUEUE: what it takes from. */
import { connect } from 'amqplib';
import { openWorkByHand } from './by-hand.ts';

const { RABBITMQ_HOST = '', RABBITMQ_PORT = '', QUEUE = '', PREFETCH = '' } = process.env;

const work = await openWorkByHand();
const model = await connect({ hostname: RABBITMQ_HOST, port: Number(RABBITMQ_PORT) });
const channel = await model.createChannel();
await channel.prefetch(Number(PREFETCH));
await channel.consume(QUEUE, (message) => {
  if (message === null) throw new Error(`${QUEUE} is gone.`);
  void work(String(message.properties.messageId), message.content.toString('utf8')).then(() =>
    channel.ack(message),
  );
});
process.once('SIGTERM', () => process.exit(0));
console.log('The bare loop is running.');
