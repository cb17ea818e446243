import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  messageStream,
  streamPrefixes,
  trackIdOfStream,
  trackStream,
} from '../../src/domain/stream-names.ts';

it('a track id is found again in the name of its stream, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (trackId) => {
      expect(trackIdOfStream(trackStream(trackId))).toBe(trackId);
    }),
  );
});

it('a stream of a message is no stream of a track', () => {
  expect(trackIdOfStream(messageStream('ab12'))).toBeNull();
  expect(trackIdOfStream('operator-actions')).toBeNull();
});

it('every stream begins with exactly one of the prefixes that are subscribed to', () => {
  for (const stream of [trackStream('message-1'), messageStream('track-1'), 'operator-actions']) {
    expect(streamPrefixes.filter((prefix) => stream.startsWith(prefix))).toHaveLength(1);
  }
});
