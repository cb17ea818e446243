import { Agent, request } from 'undici';

export interface Http {
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<HttpResult>;
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<HttpResult>;
  close(): Promise<void>;
}

export type HttpResult = HttpResponse | HttpFailure;

export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  /** One header, its first value; null where it is not there. */
  header(name: string): string | null;
  readonly text: string;
}

export interface HttpFailure {
  readonly kind: 'failure';
  readonly reason: 'timeout' | 'connection' | 'too-large';
  /** Never holds the URL, because keys stand in some. */
  readonly message: string;
}

export interface HttpOptions {
  /** For the whole call: connecting, headers and body. */
  readonly timeoutMs: number;
  readonly userAgent: string;
  readonly bodyBytesMax?: number;
}

const bodyBytesMaxDefault = 1024 * 1024;
const connectionsMax = 256;
const keepAliveMs = 30_000;

/** The one way out to the providers: bounded in time and size, without redirects and without repetitions. */
export function createHttp(options: HttpOptions): Http {
  const { timeoutMs, userAgent, bodyBytesMax = bodyBytesMaxDefault } = options;
  const agent = new Agent({
    connections: connectionsMax,
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: bodyBytesMax,
  });

  async function send(
    method: 'GET' | 'POST',
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string | null,
  ): Promise<HttpResult> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const response = await request(url, {
        dispatcher: agent,
        method,
        headers: { 'user-agent': userAgent, accept: 'application/json', ...headers },
        body,
        signal: abort.signal,
      });
      const text = await response.body.text();
      const header = (name: string) => {
        const value = response.headers[name];
        return (Array.isArray(value) ? value[0] : value) ?? null;
      };
      return { kind: 'response', status: response.statusCode, header, text };
    } catch (error) {
      return failureOf(error, abort.signal.aborted, timeoutMs);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    get: (url, headers = {}) => send('GET', url, headers, null),
    post: (url, headers, body) => send('POST', url, headers, body),
    close: () => agent.destroy(),
  };
}

function failureOf(error: unknown, timedOut: boolean, timeoutMs: number): HttpFailure {
  const code = String((error as { code?: unknown }).code ?? '');
  if (timedOut || code.endsWith('_TIMEOUT')) {
    return { kind: 'failure', reason: 'timeout', message: `No answer within ${timeoutMs} ms.` };
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return { kind: 'failure', reason: 'too-large', message: 'The answer is larger than allowed.' };
  }
  return {
    kind: 'failure',
    reason: 'connection',
    message: `The connection failed (${code === '' ? 'no code' : code}).`,
  };
}
