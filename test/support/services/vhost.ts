import { randomBytes } from 'node:crypto';
import { describe, inject } from 'vitest';
import type { RabbitmqAddress } from '../../../src/queue/rabbitmq-connection.ts';
import type { RabbitmqServer } from './rabbitmq.ts';
import { sharedService } from './shared.ts';

/** A describe whose tests need RabbitMQ; where there is none it is skipped and says what to install. */
export function describeWithRabbitmq(name: string, define: () => void): void {
  const missing = inject('rabbitmqMissing');
  describe.skipIf(missing !== null)(missing === null ? name : `${name} (${missing})`, define);
}

/** The broker that all tests of this run share. */
export function sharedRabbitmq(): Promise<RabbitmqServer> {
  return sharedService<RabbitmqServer>('rabbitmq');
}

/** A virtual host of its own: empty, and gone after the test with all that it holds. */
export interface Vhost {
  readonly address: RabbitmqAddress;
  readonly managementUrl: string;
  /** For the environment of a process. */
  readonly environment: Readonly<Record<string, string>>;
  /** The management API, on a path below `/api/`, where `%v` stands for the virtual host. */
  api(method: string, path: string, body?: object): Promise<unknown>;
  /** Messages that are ready, and those that somebody has in hand, as of a fifth of a second ago. */
  depth(queue: string): Promise<{ readonly ready: number; readonly unacked: number }>;
  drop(): Promise<void>;
}

export async function openVhost(server?: RabbitmqServer): Promise<Vhost> {
  const { url, managementUrl } = server ?? (await sharedRabbitmq());
  const { hostname: host, port, username, password } = new URL(url);
  const [user, secret] = [username, password].map(decodeURIComponent) as [string, string];
  const vhost = `test-${process.pid}-${randomBytes(4).toString('hex')}`;
  const authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  const api: Vhost['api'] = async (method, path, body) => {
    const response = await fetch(`${managementUrl}/api/${path.replaceAll('%v', vhost)}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  await api('PUT', 'vhosts/%v', {});
  await api('PUT', `permissions/%v/${encodeURIComponent(user)}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  });
  const address = { host, port: Number(port), user, password: secret, vhost };
  return {
    address,
    managementUrl,
    environment: {
      RABBITMQ_HOST: host,
      RABBITMQ_PORT: port,
      RABBITMQ_USER: user,
      RABBITMQ_PASS: secret,
      RABBITMQ_VHOST: vhost,
      RABBITMQ_MANAGEMENT_URL: managementUrl,
    },
    api,
    async depth(queue) {
      const all = (await api('GET', 'queues/%v?disable_stats=true&enable_queue_totals=true')) as Record<
        string,
        unknown
      >[];
      const found = all.find(({ name }) => name === queue) ?? {};
      return {
        ready: Number(found.messages_ready ?? 0),
        unacked: Number(found.messages_unacknowledged ?? 0),
      };
    },
    drop: async () => void (await api('DELETE', 'vhosts/%v').catch(() => undefined)),
  };
}
