import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    tasks: { type: 'string', default: '6000' },
    only: { type: 'string', multiple: true },
    'from-source': { type: 'boolean', default: false },
  },
});

/** What the command line says; `npm run bench:workers -- --help` is the comment of `bench/workers.ts`. */
export const flags = {
  rounds: Number(values.rounds),
  /** Of one side in one round. */
  tasks: Number(values.tasks),
  /** The parts to run; null: all of them. */
  only: values.only ?? null,
  /** Workers run from the source through tsx, not as `npm run build` makes them. */
  fromSource: values['from-source'],
} as const;
