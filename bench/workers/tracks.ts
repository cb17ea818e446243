/** The tracks of the benchmark: as many as wanted, all different, found by artist and title. */

const words = ['Amber', 'Böse', 'Cold', 'Distant', 'Évora', 'Falling', 'Golden', 'Hollow', 'Iron', 'Jade'];

export function trackOf(n: number): {
  readonly artist: string;
  readonly title: string;
  readonly durationMs: number;
} {
  const word = words[n % words.length] ?? '';
  return {
    artist: `The ${word} Band ${n % 97}`,
    title: `${word} song number ${n} (Live at the Forum)`,
    durationMs: 180_000 + (n % 1000) * 60,
  };
}

/** A message body as `EnrichmentQueuePublisher` writes it. */
export function bodyOf(trackId: string, n: number): string {
  const { artist, title, durationMs } = trackOf(n);
  return JSON.stringify({
    track_id: trackId,
    artist,
    title,
    priority: 5,
    force_refresh: false,
    queued_at: new Date().toISOString(),
    duration_ms: durationMs,
  });
}
