import type { SingleFlight } from './single-flight.ts';

/** Single-flight within this process. */
export function createMemorySingleFlight<Value>(): SingleFlight<Value> {
  const flights = new Map<string, Promise<Value>>();
  return {
    async run(key, lead) {
      const flight = flights.get(key);
      if (flight !== undefined) return { role: 'followed', value: await flight };
      const own = lead();
      flights.set(key, own);
      try {
        return { role: 'led', value: await own };
      } finally {
        flights.delete(key);
      }
    },
  };
}
