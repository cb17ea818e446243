/** The stream of everything about one track. */
export function trackStream(trackId: string): string {
  return `track-${trackId}`;
}

/** The track whose stream this is, or null for another stream. */
export function trackIdOfStream(stream: string): string | null {
  return stream.startsWith('track-') ? stream.slice('track-'.length) : null;
}

/** The stream of a message that could not be read; `bodySha256` in hex. */
export function messageStream(bodySha256: string): string {
  return `message-${bodySha256}`;
}

/** What every subscription of this project takes. */
export const streamPrefixes = ['track-', 'message-', 'operator-'] as const;
