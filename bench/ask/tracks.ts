import { hash } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { Answer, Candidate, Lookup } from '../../src/domain/answer.ts';
import { type Command, decideAll } from '../../src/domain/decide.ts';
import { nextLookup } from '../../src/domain/lookup.ts';
import { type Provider, providers } from '../../src/domain/provider.ts';
import { defaultRetryPolicy } from '../../src/domain/retry-policy.ts';
import { emptyTrack, type TrackState } from '../../src/domain/state.ts';
import type { TaskRequest } from '../../src/domain/task.ts';
import type { NewEvent } from '../../src/ledger/ledger.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';

/**
 * The stream of an invented track, as workers write it: one task that calls three providers and one a week later that
 * takes two answers from the cache, and so on. Five events a task, about 1 KB each. The same for the same number.
 */
export function trackEvents(n: number, tasks = 2) {
  const trackId = hash('sha256', String(n), 'hex').slice(0, 16);
  const request = requestOf(n, trackId);
  const answers = new Map<Provider, { answer: Answer; calledAt: string; eventId: string }>();
  let state: TrackState = emptyTrack;
  const events: NewEvent[] = [];
  for (let task = 0; task < tasks; task++) {
    const commands = commandsOf(n, task, request, answers);
    const decided = decideAll(state, commands);
    state = decided.state;
    events.push(...decided.events.map(encodeTrackEvent));
  }
  return { trackId, events };
}

function requestOf(n: number, trackId: string): TaskRequest {
  return {
    trackId,
    // One in a hundred names is not ASCII, as among the tracks that people have.
    artist: `${word(n)} ${word(n * 7 + 1)}${n % 100 === 0 ? ' Ñandú' : ''}`,
    title: `${word(n * 3 + 2)} of the ${word(n * 5 + 3)} ${n}`,
    isrc: n % 3 === 0 ? `GBZZA${String(n % 10_000_000).padStart(7, '0')}` : null,
    durationMs: n % 2 === 0 ? 180_000 + (n % 90) * 1000 : null,
    spotifyId: null,
    musicbrainzId: null,
    priority: 5,
    source: null,
    queuedAt: null,
    forceRefresh: false,
    extra: { album: `Album ${n % 977}` },
  };
}

const weekMs = 7 * 24 * 3600 * 1000;

function commandsOf(
  n: number,
  task: number,
  request: TaskRequest,
  known: Map<Provider, { answer: Answer; calledAt: string; eventId: string }>,
): readonly Command[] {
  let made = 0;
  const newId = () => uuidv5(`${n} ${task} ${made++}`, uuidv5.URL);
  const taskId = newId();
  const at = new Date(Date.parse('2026-01-01T00:00:00.000Z') + n * 10 + task * weekMs).toISOString();
  const context = () => ({
    eventId: newId(),
    at,
    taskId,
    hop: 0,
    correlationId: taskId,
    causationId: null,
    traceparent: null,
  });
  const policy = defaultRetryPolicy;
  const commands: Command[] = [
    {
      ...context(),
      type: 'ReceiveTask',
      request,
      origin: { kind: 'request' },
      deliveredAgain: false,
      policy,
    },
  ];
  for (const provider of providers) {
    const lookup = nextLookup(provider, request, []) as Lookup;
    const before = known.get(provider);
    if (before !== undefined && provider !== 'lastfm') {
      const shared = { provider, lookup, ...before };
      commands.push({ ...context(), type: 'RecordCacheHit', shared, via: 'cache' });
      continue;
    }
    const answer = answerOf(n, task, provider, request);
    const command = context();
    known.set(provider, { answer, calledAt: at, eventId: command.eventId });
    const call = { provider, lookup, outcome: answer, httpStatus: 200, durationMs: 25, calledAt: at };
    commands.push({ ...command, type: 'RecordCall', call });
  }
  commands.push({ ...context(), type: 'CompleteHop', needed: providers, leftOut: [], policy, random: 0 });
  return commands;
}

/** The track itself among what it is often taken for. */
function answerOf(n: number, task: number, provider: Provider, request: TaskRequest): Answer {
  const { artist, title } = request;
  const own = candidate(n, task, provider, artist, title, request.durationMs ?? 200_000 + (n % 50) * 100);
  const live = candidate(n + 1, task, provider, artist, `${title} (Live)`, 244_000);
  const candidates = n % 4 === 0 ? [live, own] : [own];
  return { kind: 'found', candidates, bodyHash: '0123456789abcdef'.repeat(4) };
}

function candidate(
  n: number,
  task: number,
  provider: Provider,
  artist: string,
  title: string,
  durationMs: number,
): Candidate {
  const id = `${provider}${n}`.padEnd(22, 'x');
  const artwork = (size: number) => `https://images.example.org/${provider}/${id}${size}.jpg`;
  const values = {
    spotify: {
      spotifyId: id,
      durationMs,
      album: `Album ${n % 977}`,
      releaseDate: `19${(n % 60) + 39}-05-17`,
      artworkSmallUrl: artwork(64),
      artworkMediumUrl: artwork(300),
      artworkLargeUrl: artwork(640),
      spotifyPopularity: n % 100,
    },
    musicbrainz: { musicbrainzId: id, durationMs, releaseDate: `19${(n % 60) + 39}`, genre: word(n) },
    lastfm: {
      lastfmUrl: `https://www.last.fm/music/${id}`,
      genre: word(n + 9),
      lastfmListeners: n + task,
      lastfmPlaycount: n * 3 + task,
    },
  }[provider];
  return {
    id,
    title,
    artists: [artist],
    durationMs: provider === 'lastfm' ? null : durationMs,
    isrcs: [],
    values,
  };
}

const syllables = ['ka', 'lo', 'mi', 'ren', 'to', 'su', 'vel', 'dar', 'quin', 'ez', 'nor', 'bly'];

function word(n: number): string {
  let text = '';
  for (let rest = n + 13; rest > 0; rest = Math.floor(rest / syllables.length))
    text += syllables[rest % syllables.length];
  return text.charAt(0).toUpperCase() + text.slice(1);
}
