/** A process that opens the data folder of its argument, says so, and holds it until it is told to end. */
import { openEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';

process.on('SIGINT', () => console.log('interrupted'));
try {
  const { url, pid } = await openEmbeddedPostgres({ dataDir: process.argv[2] ?? '' });
  console.log(JSON.stringify({ url, pid }));
  setInterval(() => undefined, 1000);
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message }));
}
