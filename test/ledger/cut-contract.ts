import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { eventsOf, idsOf } from './events.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** Cutting streams. */
export function cutContract(name: string, openStorage: OpenStorage): void {
  describe(`${name} keeps the contract of cutting:`, () => {
    let storage: Storage;
    let ledger: Ledger;
    beforeAll(async () => {
      storage = await openStorage();
      ledger = await storage.open();
    });
    afterAll(() => storage.drop());

    it('what lies before is gone, what comes after stays and goes on being numbered, and doing it again changes nothing', async () => {
      const stream = `track-${randomUUID()}`;
      await ledger.append(stream, 'no-stream', eventsOf(5));
      for (let times = 0; times < 2; times++) {
        await ledger.cut(stream, 3);
        expect((await ledger.read(stream)).map(({ revision }) => revision)).toEqual([3, 4]);
      }
      expect(await ledger.append(stream, 'no-stream', eventsOf(1))).toEqual({ kind: 'conflict', actual: 4 });
      const more = eventsOf(1);
      expect(await ledger.append(stream, 4, more)).toEqual({ kind: 'appended', revision: 5 });
      await ledger.cut(stream, 5);
      expect(idsOf(await ledger.read(stream))).toEqual(idsOf(more));
      const [last] = await ledger.read(stream, { direction: 'backwards', maxCount: 1 });
      expect(last?.revision).toBe(5);
    });

    it('other streams, and one that does not exist, are as they were', async () => {
      const [cut, other] = [`track-${randomUUID()}`, `track-${randomUUID()}`];
      await ledger.append(cut, 'no-stream', eventsOf(2));
      await ledger.append(other, 'no-stream', eventsOf(2));
      await ledger.cut(cut, 1);
      expect(await ledger.read(other)).toHaveLength(2);
      const none = `track-${randomUUID()}`;
      await ledger.cut(none, 1);
      expect(await ledger.read(none)).toEqual([]);
    });
  });
}
