import { Redis } from 'ioredis';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** Null where the server wants none. */
  readonly password: string | null;
}

const connectMsMax = 5000;
const againMsMax = 2000;
/** A connection on which nothing comes for so long is another one's to be: what waits on it would grow for ever. */
const silentMsMax = 10_000;

/**
 * A connection that comes back by itself. While it is away, or slower than `answerMsMax`, commands fail at once:
 * whoever asks has something better to do than to wait.
 */
export function createRedis({ host, port, password }: RedisAddress, answerMsMax: number): Redis {
  const redis = new Redis({
    host,
    port,
    ...(password === null ? {} : { password }),
    connectTimeout: connectMsMax,
    commandTimeout: answerMsMax,
    socketTimeout: silentMsMax,
    // A command that was cut off may have been run: it is not sent again.
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), againMsMax),
  });
  // Only the first connection is waited for, as long as an answer is: later commands fail while it is away.
  redis.once('ready', () => {
    redis.options.enableOfflineQueue = false;
  });
  // Each command tells its caller; without a listener it would end the process.
  redis.on('error', () => undefined);
  return redis;
}
