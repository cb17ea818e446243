import { createMemorySingleFlight } from '../../src/cache/memory-single-flight.ts';
import { singleFlightContract } from './single-flight-contract.ts';

singleFlightContract('the single-flight of one process', () => createMemorySingleFlight<number>());
