import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Behind, type Ledger, LedgerUnavailable } from '../../src/ledger/ledger.ts';
import { eventsOf, follow } from './events.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** Clocks of server and test may differ, and a machine may be busy. */
const clockMsMax = 60_000;

/** How far a position is behind. Every test has a storage of its own, on a server that tests may share. */
export function behindContract(name: string, openStorage: OpenStorage): void {
  describe(`${name} keeps the contract of being behind:`, () => {
    let storage: Storage;
    let ledger: Ledger;
    beforeEach(async () => {
      storage = await openStorage();
      ledger = await storage.open();
    });
    afterEach(() => storage.drop());

    /** Measures until nobody else wrote meanwhile: the server itself, or another test. */
    async function inPeace<Value>(measure: (head: string | null) => Promise<Value>): Promise<Value> {
      for (let times = 0; times < 100; times++) {
        const head = await ledger.head();
        const value = await measure(head);
        if ((await ledger.head()) === head) return value;
      }
      throw new Error('Others never stopped writing.');
    }

    it('at the head there is nothing', async () => {
      await ledger.append('track-a', 'no-stream', eventsOf(3));
      const behind = await inPeace((head) => ledger.behind(head));
      expect({ ...behind, events: behind.events ?? 0 }).toEqual({ events: 0, bytes: 0, oldestAt: null });
    });

    it('each event less is fewer bytes, one event where they are counted, and no older', async () => {
      const beganMs = Date.now();
      for (let n = 0; n < 4; n++) await ledger.append(`track-${n}`, 'no-stream', eventsOf(3));
      const { events } = await follow(ledger, ['track-']);
      const positions = [null, ...events.slice(0, -1).map(({ position }) => position)];
      const measured = await inPeace(async () => {
        const all: Behind[] = [];
        for (const position of positions) all.push(await ledger.behind(position));
        return all;
      });
      const ours = measured.slice(1);
      for (const [at, { bytes, events: counted, oldestAt }] of ours.entries()) {
        expect(bytes).toBeGreaterThan(0);
        // Those of one append may stand at one place.
        expect(bytes).toBeLessThanOrEqual(ours[at - 1]?.bytes ?? Number.POSITIVE_INFINITY);
        if (counted !== null) expect(counted).toBe(events.length - 1 - at);
        expect((oldestAt ?? '9') >= (ours[at - 1]?.oldestAt ?? '')).toBe(true);
      }
      const [first] = ours;
      expect(Math.abs(Date.parse(first?.oldestAt ?? '') - beganMs)).toBeLessThan(clockMsMax);
      expect(measured[0]?.bytes).toBeGreaterThan(first?.bytes ?? 0);
    });

    it('a ledger that is closed says that it is out of reach', async () => {
      await ledger.close();
      await expect(ledger.behind(null)).rejects.toBeInstanceOf(LedgerUnavailable);
    });
  });
}
