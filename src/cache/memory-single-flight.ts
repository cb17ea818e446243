import type { SingleFlight } from './single-flight.ts';

/** Single-flight within this process. */
export function createMemorySingleFlight<Value>(): SingleFlight<Value> {
  const flights = new Map<string, Promise<Value>>();
  return {
    async run(key, lead) {
      const underWay = flights.get(key);
      if (underWay !== undefined) return { role: 'followed', value: await underWay };
      // Not before the flight is known: `lead` may ask for the same key at once.
      const flight = Promise.resolve().then(lead);
      flights.set(key, flight);
      try {
        return { role: 'led', value: await flight };
      } finally {
        flights.delete(key);
      }
    },
  };
}
