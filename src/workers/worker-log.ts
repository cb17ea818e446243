import type { Lookup } from '../domain/answer.ts';
import type { TrackEvent } from '../domain/events.ts';
import type { Provider } from '../domain/provider.ts';
import type { TaskRequest } from '../domain/task.ts';
import type { Logger } from '../telemetry/logger.ts';

const names: Readonly<Record<Provider, string>> = {
  spotify: 'Spotify',
  musicbrainz: 'MusicBrainz',
  lastfm: 'Last.fm',
};

/** Tasks under way whose names are remembered; of others a cache hit is named by what was looked up. */
const requestsMax = 10_000;

/** The lines that operators grep for, as the deployment guide has them. */
export interface WorkerLog {
  taskStarted(taskId: string): void;
  appended(stream: string, events: readonly TrackEvent[]): void;
  otherBody(taskId: string, stream: string): void;
}

export function createWorkerLog(logger: Logger): WorkerLog {
  const requests = new Map<string, Pick<TaskRequest, 'artist' | 'title'>>();
  const remember = (taskId: string, request: TaskRequest) => {
    const [oldest] = requests.keys();
    if (requests.size >= requestsMax && oldest !== undefined) requests.delete(oldest);
    requests.set(taskId, request);
  };
  const label = (taskId: string, lookup: Lookup) => {
    const names = requests.get(taskId) ?? (lookup.kind === 'search' ? lookup : null);
    return names === null ? taskId : `${names.artist} - ${names.title}`;
  };
  return {
    taskStarted(taskId) {
      logger.info({ taskId }, `Processing enrichment task: ${taskId}`);
    },
    otherBody(taskId, stream) {
      logger.warn({ stream, taskId }, `Task ${taskId} came with another body; its first body counts.`);
    },
    appended(stream, events) {
      if (!logger.isLevelEnabled('warn')) return;
      for (const { type, data, meta } of events) {
        const fields = { stream, taskId: meta.taskId, hop: meta.hop };
        if (type === 'TaskReceived') remember(meta.taskId, data.request);
        if (type === 'CacheHit') {
          logger.info(fields, `✓ ${names[data.provider]} cache hit: ${label(meta.taskId, data.lookup)}`);
        }
        if (type === 'Enriched') {
          const source = data.sources.join(', ');
          logger.info(fields, `✓ Enriched: ${data.artist} - ${data.title} (source: ${source})`);
        }
        if (type === 'Failed') {
          // A track that nobody knows is an answer, not trouble.
          const level = data.final && data.reason !== 'not_found' ? 'warn' : 'info';
          logger[level]({ ...fields, reason: data.reason, attempt: data.attempt }, data.message);
        }
        if (type === 'Enriched' || (type === 'Failed' && data.final)) requests.delete(meta.taskId);
      }
    },
  };
}
