import { describe, expect, it } from 'vitest';
import type { TrackEvent } from '../../src/domain/events.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { createWorkerLog } from '../../src/workers/worker-log.ts';
import { finds, scriptedClients, unavailable } from './clients.ts';
import { useLedger } from './ledgers.ts';
import { messageOf, newTrackId, openWorld, requestOf, until } from './world.ts';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly fields: Record<string, unknown>;
}

/** A logger that keeps what it is told; the same two methods and the question that the worker log has for it. */
function keeping(level = 'info') {
  const lines: Line[] = [];
  const keep = (level: string) => (fields: Record<string, unknown>, msg: string) =>
    void lines.push({ level, msg, fields });
  const enabled = level === 'silent' ? [] : level === 'warn' ? ['warn'] : ['info', 'warn'];
  const logger = {
    info: keep('info'),
    warn: keep('warn'),
    isLevelEnabled: (asked: string) => enabled.includes(asked),
  };
  return { lines, log: createWorkerLog(logger as unknown as Logger) };
}

const ledgerOf = useLedger();

describe('the log of a worker', () => {
  it('has the lines that operators grep for, word for word', async () => {
    const { lines, log } = keeping();
    const clients = scriptedClients({ spotify: finds });
    const world = openWorld({ ledger: ledgerOf(), clients, observer: log });
    const request = requestOf({ artist: 'Tiësto', title: 'Adagio' });
    const message = messageOf(request);
    await world.deliver(message);
    await until(() => lines.some(({ msg }) => msg.startsWith('✓ Enriched')));
    const first = lines.map(({ msg }) => msg);
    expect(first[0]).toBe(`Processing enrichment task: ${message.id}`);
    expect(first).toContain('✓ Enriched: Tiësto - Adagio (source: spotify)');
    const again = messageOf({ ...request, trackId: newTrackId() });
    await world.deliver(again);
    const second = lines.slice(first.length).map(({ msg }) => msg);
    expect(second).toEqual([
      `Processing enrichment task: ${again.id}`,
      '✓ Spotify cache hit: Tiësto - Adagio',
      '✓ MusicBrainz cache hit: Tiësto - Adagio',
      '✓ Last.fm cache hit: Tiësto - Adagio',
      '✓ Enriched: Tiësto - Adagio (source: spotify)',
    ]);
    for (const { fields } of lines) expect(fields.taskId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('warns of a final failure, not of a track that nobody knows, and not of what is tried again', async () => {
    const { lines, log } = keeping();
    const nobody = openWorld({ ledger: ledgerOf(), clients: scriptedClients({}), observer: log });
    await nobody.deliver(messageOf(requestOf()));
    const policy = { attemptsMax: 2, initialDelayMs: 1, faultDelayMsMax: 1 };
    const clients = scriptedClients({ spotify: unavailable });
    const world = openWorld({ ledger: ledgerOf(), clients, policy, observer: log });
    const message = messageOf(requestOf());
    await world.deliver(message);
    await world.deliver({ ...message, hop: 1 });
    const failures = lines.filter(({ fields }) => 'reason' in fields);
    expect(failures.map(({ level, fields }) => [level, fields.reason, fields.attempt])).toEqual([
      ['info', 'not_found', 0],
      ['info', 'unavailable', 1],
      ['warn', 'unavailable', 2],
    ]);
    expect(failures[2]?.msg).toBe('No answer from spotify in attempt 2 of 2.');
  });

  it('warns of a body that came under the id of another', () => {
    const { lines, log } = keeping();
    log.otherBody('t1', 'track-1');
    expect(lines).toEqual([
      {
        level: 'warn',
        msg: 'Task t1 came with another body; its first body counts.',
        fields: { stream: 'track-1', taskId: 't1' },
      },
    ]);
  });

  it('names the track of a cache hit although an earlier process received the task', () => {
    const { lines, log } = keeping();
    const lookup = { kind: 'search', artist: 'Tiësto', title: 'Adagio' } as const;
    const hit = {
      id: 'e',
      type: 'CacheHit',
      data: {
        provider: 'lastfm',
        lookup,
        answer: { kind: 'missing' },
        calledAt: '',
        eventId: '',
        via: 'cache',
      },
      meta: { taskId: 't9', hop: 1 },
    } as unknown as TrackEvent;
    log.appended('track-1', [hit]);
    expect(lines.map(({ msg }) => msg)).toEqual(['✓ Last.fm cache hit: Tiësto - Adagio']);
  });
});
