import { connect, type GetMessage } from 'amqplib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EnrichmentQueuePublisher, InvalidTask, taskIdOfRow } from '../../../src/queue/publisher.ts';
import { initTopology } from '../../../src/queue/rabbitmq-init.ts';
import { describeWithRabbitmq, openVhost, type Vhost } from '../../support/services/vhost.ts';

describeWithRabbitmq('the publisher', () => {
  let vhost: Vhost;
  let publisher: EnrichmentQueuePublisher;
  beforeEach(async () => {
    vhost = await openVhost();
    await initTopology({ ...vhost, type: 'classic' });
    publisher = new EnrichmentQueuePublisher(vhost.address);
  });
  afterEach(async () => {
    await publisher.close();
    await vhost.drop();
  });

  const track = { trackId: 'a1b2', artist: 'Sigur Rós', title: 'Hoppípolla' };

  /** Everything that is in a queue, in its order. */
  async function taken(queue: string) {
    const { host: hostname, port, user: username, password, vhost: name } = vhost.address;
    const model = await connect({ hostname, port, username, password, vhost: name });
    const channel = await model.createChannel();
    const messages: GetMessage[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) break;
      messages.push(message);
    }
    await model.close();
    return messages;
  }

  it('sends what scrapers always sent: body, properties and route', async () => {
    const extra = { label: 'Geffen', bpm: 120 };
    const task = {
      ...track,
      isrc: 'GBAYE0500590',
      source: 'my-scraper',
      priority: 7,
      taskId: 'task-1',
      extra,
    };
    expect(await publisher.publish(task)).toEqual({
      taskId: 'task-1',
      queue: 'metadata_enrichment_queue',
      result: 'confirmed',
    });
    const [message] = await taken('metadata_enrichment_queue');
    expect(message?.properties).toMatchObject({
      messageId: 'task-1',
      priority: 7,
      deliveryMode: 2,
      contentType: 'application/json',
    });
    expect(JSON.parse(message?.content.toString() ?? '')).toEqual({
      track_id: 'a1b2',
      artist: 'Sigur Rós',
      title: 'Hoppípolla',
      isrc: 'GBAYE0500590',
      priority: 7,
      source: 'my-scraper',
      force_refresh: false,
      queued_at: expect.stringMatching(/^\d{4}-.*Z$/),
      label: 'Geffen',
      bpm: 120,
    });
  });

  it.each([
    [{ priority: 4 }, 4],
    [{ priority: 3 }, 3],
    [{}, 5],
    [{ source: 'beatport_top_100' }, 10],
    [{ source: 'Spotify_Charts' }, 10],
    [{ source: 'billboard', createdAt: '2026-01-01' }, 10],
    [{ source: 'blog', createdAt: '2026-01-01T00:00:00Z' }, 7],
    [{ source: 'blog' }, 3],
    [{ source: 'blog', priority: 8 }, 8],
  ])('%o has priority %i, and 4 to 10 go to the real-time queue', async (given, priority) => {
    const queue = priority >= 4 ? 'metadata_enrichment_queue' : 'metadata_enrichment_backlog_queue';
    expect(await publisher.publish({ ...track, ...given })).toMatchObject({ queue, result: 'confirmed' });
    expect((await taken(queue))[0]?.properties.priority).toBe(priority);
  });

  it.each([
    [{ artist: ' ' }, /artist is empty/],
    [{ title: 'x'.repeat(1001) }, /title has 1001 characters/],
    [{ trackId: 'a\nb' }, /track_id is not printable/],
    [{ extra: { text: 'x'.repeat(70_000) } }, /more than 65536 bytes/],
  ])('a task that no worker could read is refused before it is sent: %#', async (wrong, why) => {
    const publishing = publisher.publish({ ...track, ...wrong });
    await expect(publishing).rejects.toBeInstanceOf(InvalidTask);
    await expect(publishing).rejects.toThrow(why);
    expect(await taken('metadata_enrichment_queue')).toEqual([]);
  });

  it('confirms thousands at once, each once, and waits for them at its end', async () => {
    const all = Array.from({ length: 3000 }, (_, n) => publisher.publish({ ...track, taskId: `task-${n}` }));
    const closing = publisher.close();
    expect(new Set((await Promise.all(all)).map(({ result }) => result))).toEqual(new Set(['confirmed']));
    await closing;
    const ids = (await taken('metadata_enrichment_queue')).map(({ properties }) => properties.messageId);
    expect(new Set(ids).size).toBe(3000);
    expect(ids).toHaveLength(3000);
  });

  it('more than the socket takes at once: it waits, and each comes once', async () => {
    const extra = { text: 'x'.repeat(60_000) };
    const all = Array.from({ length: 400 }, (_, n) =>
      publisher.publish({ ...track, taskId: `task-${n}`, extra: { ...extra, n } }),
    );
    expect(new Set((await Promise.all(all)).map(({ result }) => result))).toEqual(new Set(['confirmed']));
    const ids = (await taken('metadata_enrichment_queue')).map(({ properties }) => properties.messageId);
    expect(ids).toHaveLength(400);
    expect(new Set(ids).size).toBe(400);
  }, 60_000);

  it('goes on after its connection was closed, and loses nothing', async () => {
    await publisher.publish({ ...track, taskId: 'first' });
    const publishing = Promise.all(
      Array.from({ length: 500 }, (_, n) => publisher.publish({ ...track, taskId: `task-${n}` })),
    );
    const connections = (await vhost.api('GET', 'vhosts/%v/connections')) as { name: string }[];
    for (const { name } of connections)
      await vhost.api('DELETE', `connections/${encodeURIComponent(name)}`).catch(() => undefined);
    const more = await Promise.all([publishing, publisher.publish({ ...track, taskId: 'last' })]);
    expect(more.flat().every(({ result }) => result === 'confirmed')).toBe(true);
    const ids = new Set(
      (await taken('metadata_enrichment_queue')).map(({ properties }) => properties.messageId),
    );
    expect(ids.size).toBe(502);
  }, 40_000);

  it('names the rows of a file the same every time', () => {
    expect(taskIdOfRow('a1b2', 3)).toBe(taskIdOfRow('a1b2', 3));
    expect(taskIdOfRow('a1b2', 3)).not.toBe(taskIdOfRow('a1b2', 4));
  });
});
