/**
 * A simulator in a process of its own, as in a run: what keeps the test busy does not delay what it sees. The first
 * message are its options without the tracks, every other one asks for its report.
 */

import { type SimulatorOptions, startSimulator } from '../../src/providers/simulator/simulator.ts';
import { plainTracks } from '../providers/simulator/running.ts';

process.once('message', async (options: Omit<SimulatorOptions, 'tracks' | 'port'>) => {
  const simulator = await startSimulator({ ...options, port: 0, tracks: plainTracks(500) });
  process.send?.({ environment: simulator.environment });
  process.on('message', () => process.send?.({ report: simulator.report(), calls: simulator.calls() }));
});
process.on('disconnect', () => process.exit(0));
