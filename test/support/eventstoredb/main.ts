import { parseArgs } from 'node:util';
import { startStandIn } from './server.ts';

/** `npm run -s eventstoredb:stand-in -- --port N`: runs until it is stopped. */
const { values } = parseArgs({ options: { port: { type: 'string', default: '2113' } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`--port ${values.port} is no port: give a number from 0 (any free one) to 65535.`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0));
try {
  const { url } = await startStandIn({ port });
  console.log(
    `A stand-in for EventStoreDB, for tests only: it keeps nothing when it stops.\nLEDGER_URL=${url}`,
  );
} catch (error) {
  console.error(
    `Port ${port} cannot be used (${(error as Error).message.split('\n')[0]}): choose another with --port.`,
  );
  process.exit(1);
}
