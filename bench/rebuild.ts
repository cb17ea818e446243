/**
 * Read models made anew, and kept. `npm run bench:rebuild -- [--tracks N] [--rounds N] [--times N] [--only PART,…]
 * [--data FOLDER]`, where a part is postgres, eventstoredb, live, swap or emmett. Events are invented, deterministic, and
 * decided by the domain as workers have them decided (`rebuild/story.ts`); PostgreSQL is the embedded one, EventStoreDB the
 * server of TEST_EVENTSTORE_URL, else the stand-in. The sides of a pair are processes of their own, one after the other, in
 * turn; a ratio is the median of the rounds' ratios.
 */
import { loadavg } from 'node:os';
import { isWanted } from './rebuild/flags.ts';
import { fromEventStoreDb } from './rebuild/from-eventstoredb.ts';
import { fromPostgres } from './rebuild/from-postgres.ts';

const load = () =>
  loadavg()
    .map((one) => one.toFixed(1))
    .join(' ');
console.log(`load of the machine before: ${load()}`);
if (isWanted('postgres')) await fromPostgres();
if (isWanted('eventstoredb')) await fromEventStoreDb();
console.log(`load of the machine after: ${load()}`);
