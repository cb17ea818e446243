import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordLinesMax } from '../../../src/cli/input/csv-reader.ts';
import { rawCharsMax } from '../../../src/cli/input/input-row.ts';
import { countRowsRoughly, openInputFile } from '../../../src/cli/input/input-source.ts';
import { readRows } from '../../../src/cli/input/read-rows.ts';
import { deriveTrackId } from '../../../src/cli/track-id.ts';
import { taskLimits } from '../../../src/domain/task.ts';
import { collect, rowsOf, sourceOf } from './sources.ts';

const chunks = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 });
const cell = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', '語'), maxLength: 15 }),
  )
  // A lone surrogate has no UTF-8, and NUL is refused: both are laws of their own.
  .map((text) => Buffer.from(text.replaceAll('\0', '')).toString());
const name = cell.filter((text) => text.trim() !== '');
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

describe('rows written as CSV', () => {
  test('come back equal, with the line each begins at, whatever they contain', async () => {
    const row = fc.record({ artist: name, title: name, album: cell });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row),
        fc.constantFrom('\n', '\r\n'),
        chunks,
        async (rows, end, chunkBytes) => {
          const lines = rows.map((one) => [one.artist, one.title, one.album].map(quoted).join(','));
          const { rows: read, rejected } = await rowsOf(['artist,title,album', ...lines].join(end), {
            chunkBytes,
          });
          expect(rejected).toEqual([]);
          expect(read.map(({ artist, title, extra }) => ({ artist, title, extra }))).toEqual(
            rows.map(({ artist, title, album }) => ({
              artist: artist.trim(),
              title: title.trim(),
              extra: album === '' ? {} : { album },
            })),
          );
          expect(read.map(({ row }) => row)).toEqual(rows.map((_, at) => at + 1));
          let line = 2;
          for (const one of read) {
            expect(one.line).toBe(line);
            line += one.lineCount;
          }
        },
      ),
    );
  });

  test('keep their meaning with semicolons and tabs, a byte order mark and any case of the names', async () => {
    for (const by of [';', '\t']) {
      const header = ['\ufeffArtist Name', 'TRACK', 'Duration (ms)', 'MBID'].join(by);
      const row = ['Rush', 'YYZ', '265000', '0A1B2C3D-0000-4000-8000-00000000000F'].join(by);
      const { rows } = await rowsOf(`${header}\n${row}\n`);
      expect(rows).toMatchObject([
        {
          artist: 'Rush',
          title: 'YYZ',
          durationMs: 265_000,
          musicbrainzId: '0a1b2c3d-0000-4000-8000-00000000000f',
          trackId: deriveTrackId('Rush', 'YYZ'),
        },
      ]);
    }
  });

  test('take their id from the track_id column, and derive it where that is empty', async () => {
    const { rows } = await rowsOf('track_id,artist,title\n t-1 ,a,b\n,a,b\n');
    expect(rows.map(({ trackId }) => trackId)).toEqual(['t-1', deriveTrackId('a', 'b')]);
  });
});

describe('whatever stands in the file', () => {
  const piece = fc.constantFrom(
    'a',
    'b,c',
    '"',
    '""',
    ',',
    '\n',
    '\r\n',
    ' ',
    '\ufffd',
    'x,y\n',
    '"m\nn",o\n',
  );
  const garbage = fc.oneof(
    fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join(''))),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  );

  test('every line is part of one row or one rejection, or blank, and nothing is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(garbage, chunks, async (bytes, chunkBytes) => {
        const content = Buffer.concat([Buffer.from('artist,title\n'), bytes, Buffer.from('\nlast,row\n')]);
        const { rows, rejected } = await rowsOf(content, { chunkBytes });
        const lines = content.toString().split('\n');
        const owner = new Map<number, number>();
        for (const { line, lineCount, row } of [...rows, ...rejected]) {
          for (let at = line; at < line + lineCount; at++) {
            expect(owner.has(at)).toBe(false);
            owner.set(at, row);
          }
        }
        for (const [at, text] of lines.entries()) {
          if (at > 0 && !owner.has(at + 1)) expect(text).toMatch(/^[\s,]*$/);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('JSON lines likewise', async () => {
    const line = fc.oneof(fc.json(), fc.string(), fc.constant('{"artist":"a","title":"b"}'));
    await fc.assert(
      fc.asyncProperty(fc.array(line), chunks, async (lines, chunkBytes) => {
        const content = ['{"artist":"a","title":"b"}', ...lines].join('\n');
        const { rows, rejected } = await rowsOf(content, { name: 'x.jsonl', chunkBytes });
        const wanted = content.split('\n').filter((text) => text.trim() !== '').length;
        expect(rows.length + rejected.length).toBe(wanted);
      }),
    );
  });
});

describe('a bad row is rejected with its line, and the rest is read', () => {
  const cases: readonly (readonly [title: string, row: string, reason: RegExp])[] = [
    ['no title', 'Rush,,,', /title is missing/],
    ['a title of spaces', 'Rush,   ,,', /title is missing/],
    ['no artist', ',YYZ,,', /artist is missing/],
    ['an over-long field', `Rush,${'x'.repeat(taskLimits.textCharsMax + 1)},,`, /shorten it to 1000/],
    ['too few columns', 'Rush,YYZ', /2 columns and the header 4/],
    ['too many columns', 'Rush,YYZ,,,x', /5 columns and the header 4/],
    ['a quote that is never closed', 'Rush,"YYZ,,', /quote|columns/],
    ['a quote in the middle', 'Rush,12" mix,,', /quote/],
    ['a bad priority', 'Rush,YYZ,11,', /priority/],
    ['a NUL', 'Rush,Y\0YZ,,', /NUL/],
    ['an over-long line', `Rush,YYZ,,${'x'.repeat(70_000)}`, /longer than 64 KB/],
  ];
  test.each(cases)('%s', async (_title, row, reason) => {
    const { rows, rejected } = await rowsOf(`artist,title,priority,note\na,b,,\n${row}\nc,d,,\n`);
    expect(rows.map(({ artist, line, row: number }) => [artist, line, number])).toEqual([
      ['a', 2, 1],
      ['c', 4, 3],
    ]);
    expect(rejected).toMatchObject([{ line: 3, row: 2, lineCount: 1 }]);
    expect(rejected[0]?.reason).toMatch(reason);
    expect(rejected[0]?.raw.length).toBeLessThanOrEqual(rawCharsMax);
  });

  test('a line in another encoding', async () => {
    const content = Buffer.concat([
      Buffer.from('artist,title\nBjörk,Jóga\n'),
      Buffer.from('Björk,Jóga\n', 'latin1'),
      Buffer.from('Björk,Hyperballad'),
    ]);
    const { rows, rejected } = await rowsOf(content);
    expect(rows.map(({ title }) => title)).toEqual(['Jóga', 'Hyperballad']);
    expect(rejected).toMatchObject([{ line: 3, reason: expect.stringMatching(/UTF-8/) }]);
  });

  test('an open quote costs its own line, however many rows follow', async () => {
    const following = Array.from({ length: 100 }, (_, at) => `artist ${at},title ${at}`);
    const { rows, rejected } = await rowsOf(['artist,title', 'Rush,"YYZ', ...following].join('\n'));
    expect(rows.length).toBe(100);
    expect(rejected).toMatchObject([{ line: 2, raw: 'Rush,"YYZ' }]);
  });

  test('a quote that is closed too far away costs its own line and the one that closes it', async () => {
    const between = Array.from({ length: recordLinesMax }, (_, at) => `artist ${at},title ${at}`);
    const { rows, rejected } = await rowsOf(['artist,title', 'Rush,"YYZ', ...between, 'end"'].join('\n'));
    expect(rows.length).toBe(recordLinesMax);
    expect(rejected.map(({ line }) => line)).toEqual([2, recordLinesMax + 3]);
  });

  test('an open quote among rows that are quoted as well', async () => {
    const text = fc.stringMatching(/^[a-z][a-z ,]{0,8}$/);
    const row = fc.tuple(text, text).map((cells) => cells.map(quoted).join(','));
    await fc.assert(
      fc.asyncProperty(fc.array(row), fc.array(row), async (before, after) => {
        const content = ['artist,title', ...before, 'Rush,"YYZ', ...after].join('\n');
        const { rows, rejected } = await rowsOf(content);
        expect(rows.length).toBe(before.length + after.length);
        expect(rejected).toMatchObject([{ line: before.length + 2 }]);
      }),
    );
  });

  test('control characters in an id', async () => {
    const { rejected } = await rowsOf('track_id,artist,title\na\u001b[2J,b,c\n');
    expect(rejected[0]?.reason).toMatch(/track_id/);
  });

  test('JSON that is broken, no object or of wrong types', async () => {
    const lines = [
      '{"artist":"a",',
      '[1]',
      '"text"',
      '{"artist":1,"title":"b"}',
      '{"artist":"a","title":{}}',
    ];
    const good = '{"artist":"a","title":"b"}';
    const { rows, rejected } = await rowsOf([good, ...lines, good].join('\n'), { name: 'x.ndjson' });
    expect(rows.map(({ line }) => line)).toEqual([1, 7]);
    expect(rejected.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6]);
  });
});

test('what only describes the track is left out where it is unusable, and the track is kept', async () => {
  const { rows } = await rowsOf(
    'artist,title,isrc,duration_ms,spotify_id,mbid\na,b,us-rc1-76-07839,1000.4,0123456789abcdefghijkl,\nc,d,NOPE,-3,x,y\n',
  );
  expect(rows).toMatchObject([
    { isrc: 'USRC17607839', durationMs: 1000, spotifyId: '0123456789abcdefghijkl', ignored: [] },
    {
      isrc: null,
      durationMs: null,
      spotifyId: null,
      musicbrainzId: null,
      ignored: ['isrc', 'duration_ms', 'spotify_id', 'musicbrainz_id'],
    },
  ]);
});

test('other columns are kept under their own names, up to the limit together', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 2000 }), { maxLength: 6 }), async (texts) => {
      const object = {
        artist: 'a',
        title: 'b',
        ...Object.fromEntries(texts.map((text, at) => [`x${at}`, text])),
      };
      const { rows } = await rowsOf(JSON.stringify(object), { name: 'x.jsonl' });
      const extra = rows[0]?.extra ?? {};
      expect(Buffer.byteLength(JSON.stringify(extra))).toBeLessThanOrEqual(taskLimits.extraBytesMax);
      for (const [key, value] of Object.entries(extra)) expect(value).toBe(texts[Number(key.slice(1))]);
    }),
  );
});

test('JSON nested too deep to be kept costs only that field', async () => {
  const deep = `{"artist":"a","title":"b","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  const { rows } = await rowsOf(deep, { name: 'x.jsonl' });
  expect(rows).toMatchObject([{ artist: 'a', extra: {} }]);
});

test('a key named __proto__ is a key like any other', async () => {
  const { rows } = await rowsOf('{"artist":"a","title":"b","__proto__":{"isrc":"x"}}', { name: 'x.jsonl' });
  expect(rows[0]?.isrc).toBeNull();
  expect(Object.keys(rows[0]?.extra ?? {})).toEqual(['__proto__']);
});

describe('a file that cannot be read as a whole is refused with what to do', () => {
  const cases: readonly (readonly [title: string, content: string | Uint8Array, message: RegExp])[] = [
    ['no usable header', 'foo,bar\n1,2\n', /artist and title are missing \(found: foo, bar\)/],
    ['no title column', 'artist,isrc\n', /title is missing/],
    ['a name that stands twice', 'artist,title,Title\n', /"Title" twice/],
    ['UTF-16', Buffer.from('\ufeffartist,title\n', 'utf16le'), /save it as UTF-8/],
    ['UTF-16 without a mark', Buffer.from('artist,title\n', 'utf16le'), /UTF-8/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /unpack it/],
    ['a spreadsheet', Buffer.from('PK\u0003\u0004xxxxxxx'), /export it as CSV/],
    ['line ends of an old Macintosh', 'artist,title\ra,b\rc,d', /line ends/],
    ['an open quote in the header', '"artist,title\na,b\n', /not closed/],
  ];
  test.each(cases)('%s', async (_title, content, message) => {
    await expect(rowsOf(content, { chunkBytes: [3] })).rejects.toThrow(message);
    await expect(rowsOf(content)).rejects.toMatchObject({ name: 'UserError', exitCode: 1 });
  });

  test('a JSON array', async () => {
    await expect(rowsOf('[{"artist":"a"}]', { name: 'x.json' })).rejects.toThrow(/one object a line/);
  });
});

test('the format is told by the extension, else by the first character', async () => {
  const json = '\n {"artist":"a","title":"b"}\n';
  expect((await rowsOf(json, { name: 'stdin.txt' })).rows).toHaveLength(1);
  expect((await rowsOf('artist,title\na,b', { name: 'stdin.txt' })).rows).toHaveLength(1);
  expect((await rowsOf('artist\ttitle\na\tb', { name: 'x.TSV' })).rows).toHaveLength(1);
  expect((await rowsOf('nope', { name: 'x.jsonl' })).rejected).toHaveLength(1);
});

test('an empty file, and one with nothing but a header, have no rows', async () => {
  for (const content of ['', '\n\n', '\ufeff', 'artist,title', 'artist,title\r\n\r\n']) {
    expect(await rowsOf(content)).toEqual({ rows: [], rejected: [] });
  }
});

const realTracks = '../shared/data/tracks.csv';

test.skipIf(!existsSync(realTracks))(
  'ten thousand real tracks are read, none rejected (skipped without the file)',
  async () => {
    const source = await openInputFile(realTracks);
    const read = await collect(readRows(source));
    expect(read.length).toBe(10_145);
    expect(read.filter((one) => one.kind === 'rejected' || one.ignored.length > 0)).toEqual([]);
  },
);

test('the rough count is exact where every row is a line', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(50), fc.boolean(), chunks, async (count, json, chunkBytes) => {
      const row = json ? '{"artist":"a","title":"b"}' : 'a,b';
      const lines = [...(json ? [] : ['artist,title']), ...Array.from({ length: count }, () => row)];
      const source = sourceOf(lines.join('\n'), { chunkBytes: json ? [100] : chunkBytes });
      expect(await countRowsRoughly(source)).toBe(count);
    }),
  );
});
