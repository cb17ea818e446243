import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ledger, LedgerUnavailable } from '../../src/ledger/ledger.ts';
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

    it('at the head there is nothing', async () => {
      await ledger.append('track-a', 'no-stream', eventsOf(3));
      const behind = await ledger.behind(await ledger.head());
      // A server may write events of its own meanwhile.
      expect(behind.oldestAt).toBeNull();
      if (behind.events !== null) expect(behind).toEqual({ events: 0, bytes: 0, oldestAt: null });
    });

    it('each event less is fewer bytes, one event where they are counted, and no older', async () => {
      const beganMs = Date.now();
      for (let n = 0; n < 4; n++) await ledger.append(`track-${n}`, 'no-stream', eventsOf(3));
      const { events } = await follow(ledger, ['track-']);
      let [bytes, oldestAt] = [Number.POSITIVE_INFINITY, ''];
      for (const [at, { position }] of events.slice(0, -1).entries()) {
        const behind = await ledger.behind(position);
        expect(behind.bytes).toBeGreaterThan(0);
        // Those of one append may stand at one place.
        expect(behind.bytes).toBeLessThanOrEqual(bytes);
        if (behind.events !== null) expect(behind.events).toBe(events.length - 1 - at);
        if (behind.oldestAt !== null) {
          expect(behind.oldestAt >= oldestAt).toBe(true);
          expect(Math.abs(Date.parse(behind.oldestAt) - beganMs)).toBeLessThan(clockMsMax);
          oldestAt = behind.oldestAt;
        }
        bytes = behind.bytes;
      }
      expect(oldestAt).not.toBe('');
      const all = await ledger.behind(null);
      expect(all.bytes).toBeGreaterThan(bytes);
    });

    it('a ledger that is closed says that it is out of reach', async () => {
      await ledger.close();
      await expect(ledger.behind(null)).rejects.toBeInstanceOf(LedgerUnavailable);
    });
  });
}
