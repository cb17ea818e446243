import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Received {
  readonly url: URL;
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A loopback server that answers whatever the test sets; 'hang' never answers, 'cut' drops the connection. */
export interface LocalServer {
  readonly url: string;
  readonly received: Received[];
  answer(reply: Reply | 'hang' | 'cut' | ((request: Received) => Reply)): void;
  close(): Promise<void>;
}

export async function startLocalServer(): Promise<LocalServer> {
  const received: Received[] = [];
  let reply: Parameters<LocalServer['answer']>[0] = { status: 404, body: '' };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://local');
      const body = Buffer.concat(chunks).toString();
      const one = { url, method: request.method ?? '', headers: request.headers, body };
      received.push(one);
      if (reply === 'hang') return;
      if (reply === 'cut') {
        request.socket.destroy();
        return;
      }
      const said = typeof reply === 'function' ? reply(one) : reply;
      response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(said.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer(next) {
      reply = next;
      received.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
