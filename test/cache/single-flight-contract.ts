import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SingleFlight } from '../../src/cache/single-flight.ts';

/** What every single-flight has to keep. `open` gives one without flights. */
export function singleFlightContract(name: string, open: () => SingleFlight<number>): void {
  describe(`${name} keeps the single-flight contract:`, () => {
    it('of those who come while a flight is under way one leads, and all get its value', async () => {
      const flights = open();
      let leads = 0;
      const lead = async () => {
        leads += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return leads;
      };
      const flown = await Promise.all(Array.from({ length: 10 }, () => flights.run('key', lead)));
      expect(leads).toBe(1);
      expect(flown.map(({ value }) => value)).toEqual(flown.map(() => 1));
      expect(flown.filter(({ role }) => role === 'led')).toHaveLength(1);
      expect(await flights.run('key', lead)).toEqual({ role: 'led', value: 2 });
    });

    it('a flight that fails fails for all of it, and the next one flies', async () => {
      const flights = open();
      const failing = async () => Promise.reject(new Error('crashed'));
      const flown = await Promise.allSettled([1, 2, 3].map(() => flights.run('key', failing)));
      expect(flown.map((one) => one.status === 'rejected' && one.reason.message)).toEqual(
        Array(3).fill('crashed'),
      );
      expect(await flights.run('key', async () => 7)).toEqual({ role: 'led', value: 7 });
    });

    it('a lead that throws at once is a flight that fails', async () => {
      const flights = open();
      const throwing = () => {
        throw new Error('at once');
      };
      await expect(flights.run('key', throwing)).rejects.toThrow('at once');
      expect(await flights.run('key', async () => 7)).toEqual({ role: 'led', value: 7 });
    });

    it('in any interleaving a key has one flight at a time, and keys do not know of each other', async () => {
      const calls = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() }), {
        minLength: 1,
        maxLength: 12,
      });
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), calls, async (scheduler, asked) => {
          const flights = open();
          const underWay = new Set<string>();
          let led = 0;
          const outcomes = asked.map(async ({ key, fails }, n) => {
            await scheduler.schedule(Promise.resolve(), `call ${n}`);
            const lead = async () => {
              expect(underWay.has(key)).toBe(false);
              underWay.add(key);
              led += 1;
              await scheduler.schedule(Promise.resolve(), `answer to ${n}`);
              underWay.delete(key);
              if (fails) throw new Error(key);
              return n;
            };
            return flights.run(key, lead).then(
              ({ role, value }) => {
                expect(role === 'led').toBe(value === n);
                expect(asked[value]?.key).toBe(key);
                return role;
              },
              (error: Error) => {
                expect(error.message).toBe(key);
                return 'failed';
              },
            );
          });
          await scheduler.waitFor(Promise.all(outcomes));
          const roles = await Promise.all(outcomes);
          expect(led).toBeGreaterThanOrEqual(new Set(asked.map(({ key }) => key)).size);
          expect(roles.filter((role) => role === 'led').length).toBeLessThanOrEqual(led);
          expect(underWay.size).toBe(0);
        }),
      );
    });
  });
}
