import { UserError } from '../user-error.ts';
import { shown } from '../visible-text.ts';

/** What a column can mean to us. */
const columns = [
  'track_id',
  'artist',
  'title',
  'isrc',
  'duration_ms',
  'spotify_id',
  'musicbrainz_id',
  'priority',
  'source',
  'force_refresh',
] as const;

export type Column = (typeof columns)[number];

/** Other names for a column, by preference. They count only where no column has the name itself. */
const aliases: Readonly<Record<Column, readonly string[]>> = {
  track_id: ['trackid'],
  artist: ['artists', 'artist_name', 'artist_name_s', 'artist_names', 'track_artist'],
  title: ['track_title', 'track_name', 'track', 'song', 'song_title', 'name'],
  isrc: ['isrc_code'],
  duration_ms: ['duration_milliseconds', 'length_ms'],
  spotify_id: ['spotify_track_id', 'spotifyid'],
  musicbrainz_id: ['mbid', 'musicbrainz_recording_id', 'recording_mbid', 'musicbrainzid'],
  priority: [],
  source: [],
  force_refresh: [],
};

/** Which name of the input stands for which column; every other name is kept as it is. */
export interface ColumnNames {
  readonly known: ReadonlyMap<string, Column>;
  /** Names that are equal but for case, spaces and punctuation. */
  readonly duplicates: readonly string[];
}

export function matchColumns(names: readonly string[]): ColumnNames {
  const byPlainName = new Map<string, string>();
  const duplicates: string[] = [];
  for (const name of names) {
    const plain = plainName(name);
    if (plain === '') continue;
    if (byPlainName.has(plain)) duplicates.push(name.trim());
    else byPlainName.set(plain, name);
  }
  const known = new Map<string, Column>();
  for (const column of columns) {
    const found = [column, ...aliases[column]].find((plain) => byPlainName.has(plain));
    const name = found === undefined ? undefined : byPlainName.get(found);
    if (name !== undefined) known.set(name, column);
  }
  return { known, duplicates };
}

/** The columns of a CSV file, in its order. */
export interface Header {
  readonly columns: readonly HeaderColumn[];
}

interface HeaderColumn {
  /** What it is called in the file; a nameless column is called by its number. */
  readonly name: string;
  readonly column: Column | null;
}

const namesShownMax = 20;

/** @throws UserError where artist or title are missing or a name stands twice */
export function readHeader(fields: readonly string[], file: string): Header {
  const { known, duplicates } = matchColumns(fields);
  const [duplicate] = duplicates;
  if (duplicate !== undefined) {
    throw new UserError(
      `The header of "${file}" names "${shown(duplicate, 40)}" twice: rename one of the two.`,
    );
  }
  const found = new Set(known.values());
  const missing = (['artist', 'title'] as const).filter((column) => !found.has(column));
  if (missing.length > 0) {
    const names = fields.slice(0, namesShownMax).map((name) => shown(name.trim(), 40));
    throw new UserError(
      `The first line of "${file}" must name the columns, and ${missing.join(' and ')} ` +
        `${missing.length === 1 ? 'is' : 'are'} missing (found: ${names.join(', ')}): add a header such as ` +
        '"artist,title,isrc,duration_ms".',
    );
  }
  return {
    columns: fields.map((name, at) => ({
      name: name.trim() === '' ? `column_${at + 1}` : name.trim(),
      column: known.get(name) ?? null,
    })),
  };
}

function plainName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_|_$/g, '');
}
