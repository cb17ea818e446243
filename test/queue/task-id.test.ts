import { describe, expect, it } from 'vitest';
import { followUpTaskId, replayTaskId, rowTaskId } from '../../src/queue/task-id.ts';

describe('derived task ids', () => {
  it('never change: publishing the same again has to stay harmless', () => {
    expect([
      rowTaskId('track-a', 1),
      rowTaskId('track-a', 1, 2),
      followUpTaskId('track-a', 't', 'musicbrainz'),
      replayTaskId('track-a', 't', 1),
    ]).toMatchInlineSnapshot(`
      [
        "59e7a112-9ada-525c-ad72-0a1ec6548342",
        "4f98f61f-2774-5a39-9300-f236eeb6be6c",
        "732c0c9f-ab63-5c95-8fe4-d606f22de3d2",
        "7d54f041-2cc6-59a6-9229-8fa7e8d022b6",
      ]
    `);
  });

  it('differ by stream, row, repetition, provider and number', () => {
    const ids = [
      rowTaskId('track-a', 1),
      rowTaskId('track-b', 1),
      rowTaskId('track-a', 2),
      rowTaskId('track-a', 1, 1),
      followUpTaskId('track-a', 't', 'spotify'),
      followUpTaskId('track-a', 't', 'lastfm'),
      replayTaskId('track-a', 't', 1),
      replayTaskId('track-a', 't', 2),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
