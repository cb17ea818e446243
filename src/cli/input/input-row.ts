/** One track of an input file, with every value checked. */
export interface InputRow {
  readonly kind: 'row';
  /** The number of the data row, from 1; rejected rows count. Task ids are made of it. */
  readonly row: number;
  /** The physical line where it begins, from 1. */
  readonly line: number;
  /** How many physical lines it takes. */
  readonly lineCount: number;
  readonly trackId: string;
  readonly artist: string;
  readonly title: string;
  /** 12 characters, upper case, no hyphens. */
  readonly isrc: string | null;
  readonly durationMs: number | null;
  readonly spotifyId: string | null;
  readonly musicbrainzId: string | null;
  /** 0 (last) to 10 (first); null where the file says nothing. */
  readonly priority: number | null;
  readonly source: string | null;
  readonly forceRefresh: boolean;
  /** The other columns under their own names, at most `taskLimits.extraBytesMax` together. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Columns whose value describes the track but is unusable, such as a malformed ISRC: read as unknown. */
  readonly ignored: readonly string[];
}

/** A piece of the input that is no track. */
export interface RejectedRow {
  readonly kind: 'rejected';
  readonly row: number;
  readonly line: number;
  readonly lineCount: number;
  /** One sentence: what is wrong and what to do. */
  readonly reason: string;
  /** What stands there, at most `rawCharsMax` characters. */
  readonly raw: string;
}

/** Where a row stands in its file, and its text. */
export interface RowPlace {
  readonly row: number;
  readonly line: number;
  readonly lineCount: number;
  readonly raw: string;
}

/** The most of a rejected row that is kept, in characters. */
export const rawCharsMax = 2000;

export function rejectedRow({ row, line, lineCount, raw }: RowPlace, reason: string): RejectedRow {
  return { kind: 'rejected', row, line, lineCount, reason, raw: raw.slice(0, rawCharsMax) };
}
