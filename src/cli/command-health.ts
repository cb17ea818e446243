import { startHealthServer } from '../http/health.ts';

interface HealthOptions {
  readonly health: { readonly host: string; readonly port: number };
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly reasons: () => Promise<readonly string[]>;
  /** Told where the endpoints are. */
  readonly note: (line: string) => void;
}

/**
 * The health endpoints of a command that may take long, while it takes. Where another process, such as the worker of
 * the same container, has the port, it takes a free one: a command is not stopped by that.
 */
export async function withHealth<Value>(
  { health, metrics, reasons, note }: HealthOptions,
  work: () => Promise<Value>,
): Promise<Value> {
  const { host } = health;
  const start = (port: number) => startHealthServer({ host, port, metrics, reasons });
  const server = await start(health.port).catch(() => start(0));
  note(`While it runs, /healthz, /readyz and /metrics are at http://${host}:${server.port}.`);
  try {
    return await work();
  } finally {
    await server.close();
  }
}
