/** The few calls of RabbitMQ's management API that this project makes. */
export interface Management {
  /** False: it cannot be reached, so this has to be done by hand. */
  setPolicy(policy: PolicyRequest): Promise<boolean>;
  /** Null where the API cannot be reached, or there is no such queue. */
  queueArguments(queue: string): Promise<Readonly<Record<string, unknown>> | null>;
  /** What the broker listens for, such as `http/prometheus`; null where it cannot be reached. */
  listeners(): Promise<readonly string[] | null>;
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
    async queueArguments(queue) {
      const found = await call('GET', `queues/${vhost}/${encodeURIComponent(queue)}`).catch(() => null);
      return (found as { arguments?: Record<string, unknown> } | null)?.arguments ?? null;
    },
    async listeners() {
      const found = (await call('GET', 'overview').catch(() => null)) as {
        listeners?: { protocol: string }[];
      } | null;
      return found === null ? null : [...new Set((found.listeners ?? []).map(({ protocol }) => protocol))];
    },
  };
}
