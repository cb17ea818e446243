/**
 * Read models made anew, and kept. `npm run bench:rebuild -- [--tracks N] [--rounds N] [--times N] [--only PART,…]
 * [--data FOLDER]`, where a part is postgres, eventstoredb, live, swap or emmett. Events are invented, deterministic, and
 * decided by the domain as workers have them decided (`rebuild/story.ts`); PostgreSQL is the embedded one, EventStoreDB the
 * server of TEST_EVENTSTORE_URL, which has to be empty, else the stand-in. The sides of a pair are processes of their own,
 * one after the other, in turn; that of this project runs compiled, as it is shipped; a ratio is the median of the rounds' ratios.
 */
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { besideEmmett } from './rebuild/emmett.ts';
import { isWanted, type Part } from './rebuild/flags.ts';
import { fromEventStoreDb } from './rebuild/from-eventstoredb.ts';
import { fromPostgres } from './rebuild/from-postgres.ts';
import { live } from './rebuild/live.ts';
import { swap } from './rebuild/swap.ts';

const measures: Readonly<Record<Part, () => Promise<void>>> = {
  postgres: fromPostgres,
  eventstoredb: fromEventStoreDb,
  live,
  swap,
  emmett: besideEmmett,
};

const load = () =>
  loadavg()
    .map((one) => one.toFixed(1))
    .join(' ');

execFileSync('npm', ['run', '-s', 'build'], { stdio: 'inherit' });
console.log(`load of the machine before: ${load()}\n`);
for (const [part, measure] of Object.entries(measures)) if (isWanted(part as Part)) await measure();
console.log(`load of the machine after: ${load()}`);
