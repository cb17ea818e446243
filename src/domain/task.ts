import type { Provider } from './provider.ts';

/** What a publisher asked for: one track to enrich. */
export interface TaskRequest {
  /** Any printable string; names the stream `track-<trackId>`. */
  readonly trackId: string;
  readonly artist: string;
  readonly title: string;
  /** 12 characters, upper case, no hyphens; null where the publisher knows none. */
  readonly isrc: string | null;
  readonly durationMs: number | null;
  readonly spotifyId: string | null;
  readonly musicbrainzId: string | null;
  /** 0 (last) to 10 (first). */
  readonly priority: number;
  readonly source: string | null;
  /** When the publisher queued it, ISO 8601; null where it did not say. */
  readonly queuedAt: string | null;
  /** True: the cache is not read for this task. */
  readonly forceRefresh: boolean;
  /** Fields of the message that this version does not know, kept as they came, up to 4 KB together. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/**
 * Why a task exists. A follow-up asks the one provider that an earlier task of the track left out; a replay
 * is an operator's second try of a dead letter. Neither is a new request.
 */
export type TaskOrigin =
  | { readonly kind: 'request' }
  | { readonly kind: 'follow-up'; readonly ofTaskId: string; readonly provider: Provider }
  | { readonly kind: 'replay'; readonly ofTaskId: string; readonly n: number };

/** The longest field values that a task may carry, in characters. */
export const taskLimits = {
  trackIdCharsMax: 200,
  textCharsMax: 1000,
  sourceCharsMax: 200,
  extraBytesMax: 4096,
} as const;
