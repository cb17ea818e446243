import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';
import type { TestServer } from './global-setup.ts';

const serverReadyMsMax = 60_000;
const pollMs = 20;

/** An empty database of its own on the server of this run. */
export interface FreshDatabase {
  readonly url: string;
  /** Runs one statement, on a connection of its own. */
  query(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Ends whatever is still connected, and the database with it. */
  drop(): Promise<void>;
}

/** The address of the PostgreSQL that all tests of this run share. */
export async function postgresUrl(): Promise<string> {
  const file = join(inject('postgresFolder'), 'server.json');
  const deadlineMs = performance.now() + serverReadyMsMax;
  while (!existsSync(file)) {
    if (performance.now() > deadlineMs) throw new Error('The PostgreSQL of the tests was not ready in time.');
    await sleep(pollMs);
  }
  const server = JSON.parse(readFileSync(file, 'utf8')) as TestServer;
  if ('error' in server) throw new Error(`The PostgreSQL of the tests did not start: ${server.error}`);
  return server.url;
}

/** @param server whose database it is to be; left out: the one of this run */
export async function freshDatabase(server?: string): Promise<FreshDatabase> {
  const serverUrl = server ?? (await postgresUrl());
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await run(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    query: (text, values = []) => run(url.href, text, values),
    drop: async () => void (await run(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

async function run(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  // DROP DATABASE of another test may end this connection; its queries say so already.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
