import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

const checkMsMax = 2000;
const requestMsMax = 10_000;

/**
 * `/healthz` while the process lives, `/readyz` while it can work, `/metrics` for Prometheus.
 *
 * @param options.reasons why it is not ready, one sentence each; empty: it is
 * @throws Error that names the port where it cannot be used
 */
export async function startHealthServer(options: {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly reasons: () => Promise<readonly string[]>;
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
}): Promise<HealthServer> {
  const { host, port, metrics } = options;
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (request.method !== 'GET') return answer(response, 405, 'text/plain', 'Only GET is known here.\n');
    if (path === '/healthz') return answer(response, 200, 'text/plain', 'ok\n');
    if (path === '/readyz') {
      void reasonsWithin(options.reasons).then((reasons) => {
        const ready = reasons.length === 0;
        answer(response, ready ? 200 : 503, 'application/json', `${JSON.stringify({ ready, reasons })}\n`);
      });
    } else if (path === '/metrics') {
      void metrics.text().then(
        (text) => answer(response, 200, metrics.contentType, text),
        (error: unknown) => answer(response, 500, 'text/plain', `${String(error)}\n`),
      );
    } else answer(response, 404, 'text/plain', 'There are /healthz, /readyz and /metrics.\n');
  });
  server.requestTimeout = requestMsMax;
  server.headersTimeout = requestMsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Error(`The port ${port} of HEALTH_PORT cannot be used: choose another.`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function reasonsWithin(reasons: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const late = sleep(checkMsMax, ['The check did not answer within 2 s.'], { ref: false });
  return Promise.race([reasons(), late]).catch((error: unknown) => [
    error instanceof Error ? error.message : String(error),
  ]);
}

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type }).end(text);
}
