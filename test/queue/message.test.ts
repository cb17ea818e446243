import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { taskLimits } from '../../src/domain/task.ts';
import { bodyBytesMax, encodeMessage, parseMessage } from '../../src/queue/message.ts';
import { anyOrigin, anyRequest } from '../support/generators.ts';

const required = { track_id: 'test_0', artist: 'Tiësto', title: 'Adagio for Strings' };

function parse(fields: unknown) {
  return parseMessage({ body: typeof fields === 'string' ? fields : JSON.stringify(fields) });
}

function requestOf(fields: Record<string, unknown>) {
  const parsed = parse({ ...required, ...fields });
  if (parsed.kind !== 'task') throw new Error(parsed.message);
  return parsed.request;
}

const anyFields = fc.dictionary(
  fc.oneof(
    fc.constantFrom('artist', 'title', 'track_id', 'priority', 'isrc', 'queued_at', 'duration_ms', 'source'),
    fc.constantFrom(
      'correlation_id',
      'enrichment_origin',
      'retry_count',
      'spotify_id',
      '__proto__',
      'constructor',
    ),
    fc.string({ unit: 'binary' }),
  ),
  fc.jsonValue({ stringUnit: 'binary' }),
);

describe('a message body', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyRequest, anyOrigin, fc.option(fc.uuid()), (request, origin, correlationId) => {
        const body = encodeMessage(request, origin, correlationId);
        expect(parseMessage({ body })).toEqual({ kind: 'task', request, origin, correlationId });
      }),
    );
  });

  it('that can be read at all comes to the same when it is written and read again', () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const once = parse(JSON.stringify({ ...fields, ...required }));
        if (once.kind === 'unreadable') return;
        const { request, origin, correlationId } = once;
        expect(parse(encodeMessage(request, origin, correlationId))).toEqual(once);
      }),
    );
  });

  it('never makes the reader throw, and what it reads survives JSON unchanged', () => {
    const body = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json({ stringUnit: 'binary' }),
      anyFields.map((fields) => JSON.stringify(fields)),
      anyFields.map((fields) => JSON.stringify({ ...required, ...fields })),
    );
    fc.assert(
      fc.property(body, (text) => {
        const parsed = parse(text);
        if (parsed.kind === 'unreadable') expect(parsed.message).toMatch(/^[A-Z].*\.$/s);
        else expect(JSON.parse(JSON.stringify(parsed))).toEqual(parsed);
      }),
    );
  });

  it('of the old publishers is understood whole', () => {
    const parsed = parse({
      ...required,
      priority: 7,
      retry_count: 2,
      source: 'beatport_spider',
      queued_at: '2024-05-01T10:00:00.123456',
      spotify_id: '4iV5W9uYEdYUVa79Axb7Rh',
      isrc: 'gb-aye-06-01498',
      musicbrainz_id: 'b1a9c0e9-d987-4042-ae91-78d6a3267d69',
      force_refresh: true,
      correlation_id: 'c-1',
      genre_hint: 'trance',
    });
    expect(parsed).toEqual({
      kind: 'task',
      request: {
        trackId: 'test_0',
        artist: 'Tiësto',
        title: 'Adagio for Strings',
        isrc: 'GBAYE0601498',
        durationMs: null,
        spotifyId: '4iV5W9uYEdYUVa79Axb7Rh',
        musicbrainzId: 'b1a9c0e9-d987-4042-ae91-78d6a3267d69',
        priority: 7,
        source: 'beatport_spider',
        // Python writes no zone; its clock was UTC.
        queuedAt: '2024-05-01T10:00:00.123Z',
        forceRefresh: true,
        extra: { genre_hint: 'trance' },
      },
      origin: { kind: 'request' },
      correlationId: 'c-1',
    });
  });

  it('without the optional fields is a request of priority 5', () => {
    expect(requestOf({})).toEqual({
      trackId: 'test_0',
      artist: 'Tiësto',
      title: 'Adagio for Strings',
      isrc: null,
      durationMs: null,
      spotifyId: null,
      musicbrainzId: null,
      priority: 5,
      source: null,
      queuedAt: null,
      forceRefresh: false,
      extra: {},
    });
  });
});

describe('a message is unreadable', () => {
  it.each([
    ['no JSON', '{"track_id":'],
    ['an empty body', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['no track id', { ...required, track_id: undefined }],
    ['a blank track id', { ...required, track_id: ' ' }],
    ['a track id with a line feed', { ...required, track_id: 'a\nb' }],
    ['a track id with NUL', { ...required, track_id: 'a\0' }],
    ['a track id with a lone surrogate', { ...required, track_id: 'a\ud800' }],
    ['a track id that is too long', { ...required, track_id: 'a'.repeat(taskLimits.trackIdCharsMax + 1) }],
    ['a track id that is no whole number', { ...required, track_id: 1.5 }],
    ['no artist', { ...required, artist: null }],
    ['a blank artist', { ...required, artist: ' \t ' }],
    ['an artist that is a number', { ...required, artist: 311 }],
    ['a title that is too long', { ...required, title: 'a'.repeat(taskLimits.textCharsMax + 1) }],
    ['a title that is a list', { ...required, title: ['a'] }],
    ['an origin of no known kind', { ...required, enrichment_origin: { kind: 'other', of_task_id: '1' } }],
    [
      'a follow-up to no known provider',
      { ...required, enrichment_origin: { kind: 'follow-up', of_task_id: '1', provider: 'discogs' } },
    ],
    ['a replay without its number', { ...required, enrichment_origin: { kind: 'replay', of_task_id: '1' } }],
    ['an origin that is a text', { ...required, enrichment_origin: 'replay' }],
  ])('with %s', (_, fields) => {
    expect(parse(fields)).toEqual({
      kind: 'unreadable',
      reason: 'unreadable',
      message: expect.stringMatching(/\.$/),
    });
  });

  it('beyond 64 KB of UTF-8, and readable up to them', () => {
    const body = JSON.stringify({ ...required, note: '' });
    const room = bodyBytesMax - Buffer.byteLength(body);
    const filled = (text: string) => body.replace('"note":""', `"note":"${text}"`);
    expect(parse(filled('x'.repeat(room))).kind).toBe('task');
    expect(parse(filled('x'.repeat(room + 1)))).toMatchObject({ kind: 'unreadable', reason: 'oversized' });
    expect(parse(filled('é'.repeat(room / 2 + 1)))).toMatchObject({
      kind: 'unreadable',
      reason: 'oversized',
    });
  });

  it('nested as deep as 64 KB allow, without harm', () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    expect(parse(deep).kind).toBe('unreadable');
    expect(requestOf(JSON.parse(`{"a":${'['.repeat(40)}${']'.repeat(40)},"b":[[1]]}`)).extra).toEqual({
      b: [[1]],
    });
    const body = `{"track_id":"1","artist":"a","title":"t","deep":${deep}}`;
    expect(parse(body)).toMatchObject({ kind: 'task', request: { extra: {} } });
  });
});

describe('a field that only helps', () => {
  it.each([
    ['isrc', 'none'],
    ['isrc', 42],
    ['duration_ms', -1],
    ['duration_ms', 'long'],
    ['duration_ms', 1e12],
    ['queued_at', 'yesterday'],
    ['queued_at', '2024-13-45'],
    ['spotify_id', {}],
    ['musicbrainz_id', 'x'.repeat(201)],
    ['source', 'x'.repeat(201)],
    ['source', 'a\nb'],
  ])('costs no task when it is unusable, and is kept in extra: %s %j', (name, value) => {
    const { extra, ...request } = requestOf({ [name]: value });
    const { extra: none, ...without } = requestOf({});
    expect(request).toEqual(without);
    expect(extra).toEqual({ [name]: value });
    expect(none).toEqual({});
  });

  it('that is empty or null says nothing', () => {
    expect(requestOf({ isrc: '', spotify_id: null, source: '', correlation_id: null }).extra).toEqual({});
  });
});

it.each([
  [11, 10],
  [-1, 0],
  [6.6, 7],
  [1e300, 10],
  ['9', 5],
  [null, 5],
])('a priority of %j is read as %j: it orders work and loses none', (priority, read) => {
  expect(requestOf({ priority }).priority).toBe(read);
});

it.each([
  ['2024-05-01T10:00:00Z', '2024-05-01T10:00:00.000Z'],
  ['2024-05-01 10:00:00.5', '2024-05-01T10:00:00.500Z'],
  ['2024-05-01T10:00:00+02:00', '2024-05-01T08:00:00.000Z'],
  ['2024-05-01', '2024-05-01T00:00:00.000Z'],
])('the time %s is kept as %s', (queued_at, kept) => {
  expect(requestOf({ queued_at }).queuedAt).toBe(kept);
});

it('a whole number is a track id by its digits', () => {
  expect(requestOf({ track_id: 4711 }).trackId).toBe('4711');
});

it('artist and title are trimmed, the track id is somebody’s key and is not', () => {
  expect(requestOf({ track_id: ' a ', artist: ' b ', title: '\tc\n' })).toMatchObject({
    trackId: ' a ',
    artist: 'b',
    title: 'c',
  });
});

it('NUL and lone surrogates become U+FFFD, in nested names and values too', () => {
  const request = requestOf({ artist: 'a\0b', title: '\udc00🎧\ud800', 'x\0': [{ 'y\ud800': 'z\0' }] });
  expect(request.artist).toBe('a\ufffdb');
  expect(request.title).toBe('\ufffd🎧\ufffd');
  expect(request.extra).toEqual({ 'x\ufffd': [{ 'y\ufffd': 'z\ufffd' }] });
});

it('unknown fields are kept up to 4 KB together; those that do not fit are dropped, the others stay', () => {
  const { extra } = requestOf({
    a: 1,
    long: 'x'.repeat(4096),
    b: 'x'.repeat(4000),
    c: 'x'.repeat(200),
    d: true,
  });
  expect(Object.keys(extra)).toEqual(['a', 'b', 'd']);
  fc.assert(
    fc.property(anyFields, (fields) => {
      const parsed = parse({ ...fields, ...required });
      if (parsed.kind !== 'task') return;
      expect(Buffer.byteLength(JSON.stringify(parsed.request.extra))).toBeLessThanOrEqual(
        taskLimits.extraBytesMax,
      );
    }),
  );
});

it('a field named __proto__ is a field like any other', () => {
  const parsed = parse('{"track_id":"1","artist":"a","title":"t","__proto__":{"priority":9}}');
  expect(parsed).toMatchObject({ kind: 'task', request: { priority: 5 } });
  if (parsed.kind !== 'task') return;
  expect(JSON.stringify(parsed.request.extra)).toBe('{"__proto__":{"priority":9}}');
  expect(encodeMessage(parsed.request, parsed.origin, null)).toContain('"__proto__":{"priority":9}');
});

it('a column of a file that bears one of our own names is not taken for ours', () => {
  const request = requestOf({});
  const extra = { enrichment_origin: 'mine', retry_count: '3', queued_at: '1999-01-01', colour: 'red' };
  const parsed = parse(encodeMessage({ ...request, extra }, { kind: 'request' }, null));
  expect(parsed).toMatchObject({ kind: 'task', origin: { kind: 'request' } });
  expect(parsed.kind === 'task' && parsed.request).toEqual({ ...request, extra: { colour: 'red' } });
});
