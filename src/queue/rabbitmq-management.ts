/** The few calls of RabbitMQ's management API that this project makes. */
export interface Management {
  /** False: it cannot be reached, or refuses, so this has to be done by hand. */
  setPolicy(policy: PolicyRequest): Promise<boolean>;
  /** Null where the API cannot be reached, or there is no such queue. */
  queue(name: string): Promise<ManagedQueue | null>;
  /** Null where the API cannot be reached. */
  hasPolicy(name: string): Promise<boolean | null>;
  /** What the broker listens for, such as `http/prometheus`; null where it cannot be reached. */
  listeners(): Promise<readonly string[] | null>;
}

export interface ManagedQueue {
  readonly durable: boolean;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** What the policies over it say together. */
  readonly policy: Readonly<Record<string, unknown>>;
}

export interface PolicyRequest {
  readonly name: string;
  readonly pattern: string;
  readonly definition: Readonly<Record<string, string | number>>;
}

const answerMsMax = 10_000;

export function createManagement(options: {
  /** `http://HOST:15672` */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly vhost: string;
}): Management {
  const authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;
  const vhost = encodeURIComponent(options.vhost);

  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${options.url.replace(/\/+$/, '')}/api/${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMsMax),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  return {
    async setPolicy({ name, pattern, definition }) {
      const path = `policies/${vhost}/${encodeURIComponent(name)}`;
      return call('PUT', path, { pattern, definition, 'apply-to': 'queues' }).then(
        () => true,
        () => false,
      );
    },
    async queue(name) {
      const found = (await call('GET', `queues/${vhost}/${encodeURIComponent(name)}`).catch(() => null)) as {
        durable?: boolean;
        arguments?: ManagedQueue['arguments'];
        // An empty list, where it has none.
        effective_policy_definition?: ManagedQueue['policy'];
      } | null;
      if (found === null) return null;
      const { durable = true, effective_policy_definition: policy = {} } = found;
      return { durable, arguments: found.arguments ?? {}, policy };
    },
    async hasPolicy(name) {
      const all = await call('GET', `policies/${vhost}`).catch(() => null);
      return all === null ? null : (all as { name: string }[]).some((one) => one.name === name);
    },
    async listeners() {
      const found = (await call('GET', 'overview').catch(() => null)) as {
        listeners?: { protocol: string }[];
      } | null;
      return found === null ? null : [...new Set((found.listeners ?? []).map(({ protocol }) => protocol))];
    },
  };
}
