import { createMemoryGates } from '../../src/providers/memory-gates.ts';
import { gatesContract } from './gate-contract.ts';

gatesContract('in memory', (limits) => {
  let nowMs = 1000;
  return {
    gates: createMemoryGates({ limits, now: () => nowMs }),
    advance(ms) {
      nowMs += ms;
    },
  };
});
