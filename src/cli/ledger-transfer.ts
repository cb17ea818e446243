import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { streamPrefixes } from '../domain/stream-names.ts';
import type { JsonObject, Ledger, RecordedEvent } from '../ledger/ledger.ts';
import { UserError } from './user-error.ts';

/** Every event that the ledger holds at this call, in the global order. */
export async function* everyEvent(ledger: Ledger): AsyncGenerator<RecordedEvent> {
  const abort = new AbortController();
  try {
    const options = { prefixes: streamPrefixes, after: null, signal: abort.signal };
    for await (const message of ledger.subscribe(options)) {
      if (message.kind === 'caught-up') return;
      yield* message.events;
    }
  } finally {
    abort.abort();
  }
}

/** One event as a line of an export. Positions are left out: another ledger has its own. */
export function exportLine({ stream, revision, id, type, data, metadata }: RecordedEvent): string {
  return JSON.stringify({ stream, revision, id, type, data, metadata });
}

/** Writes every event as a JSON line. Returns how many. */
export async function exportLedger(ledger: Ledger, out: NodeJS.WritableStream): Promise<number> {
  let count = 0;
  for await (const event of everyEvent(ledger)) {
    if (!out.write(`${exportLine(event)}\n`)) await once(out, 'drain');
    count += 1;
  }
  return count;
}

export async function exportToFile(ledger: Ledger, path: string): Promise<number> {
  const out = createWriteStream(path, { flush: true });
  const written = finished(out);
  // A full disk is seen by whoever waits for the end.
  written.catch(() => undefined);
  const count = await Promise.race([exportLedger(ledger, out), written.then(() => 0)]);
  out.end();
  await written;
  return count;
}

const json = z.record(z.string(), z.unknown()).transform((value) => value as JsonObject);
const exported = z.object({
  stream: z.string().min(1),
  revision: z.number().int().min(0),
  id: z.uuid(),
  type: z.string().min(1),
  data: json,
  metadata: json,
});
type Exported = z.infer<typeof exported>;

/** An append of events that follow each other in one stream takes at most so many of them. */
const runMax = 500;

export interface Imported {
  readonly events: number;
  readonly streams: number;
}

/**
 * Appends the events of an export one after the other, with their ids, at their revisions. What stands there already
 * is a repetition, so an import that was cut off is simply started again.
 *
 * @throws UserError that names the line, where it is no event, or its stream holds something else at that revision
 */
export async function importLedger(ledger: Ledger, path: string): Promise<Imported> {
  const streams = new Set<string>();
  let events = 0;
  let number = 0;
  let run: Exported[] = [];

  const flush = async () => {
    const [first] = run;
    if (first === undefined) return;
    const { stream, revision } = first;
    const expected = revision === 0 ? 'no-stream' : revision - 1;
    const result = await ledger.append(stream, expected, run);
    if (result.kind === 'conflict') {
      throw new UserError(
        `"${path}" line ${number - run.length}: the stream ${stream} holds other events than these (it ends at revision ${result.actual}): import into an empty ledger.`,
      );
    }
    streams.add(stream);
    events += run.length;
    run = [];
  };

  const input = createReadStream(path);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const failed = once(input, 'error').then(([error]) => Promise.reject(error));
  failed.catch(() => undefined);
  const reading = (async () => {
    for await (const line of lines) {
      number += 1;
      if (line.trim() === '') continue;
      const event = parse(line, number, path);
      const last = run.at(-1);
      const follows =
        last !== undefined && last.stream === event.stream && last.revision + 1 === event.revision;
      if (last !== undefined && (!follows || run.length === runMax)) await flush();
      run.push(event);
    }
    number += 1;
    await flush();
  })();
  await Promise.race([reading, failed]);
  return { events, streams: streams.size };
}

function parse(line: string, number: number, path: string): Exported {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new UserError(`"${path}" line ${number} is no JSON: take a file that \`ledger export\` wrote.`, {
      cause,
    });
  }
  const parsed = exported.safeParse(value);
  if (parsed.success) return parsed.data;
  const [fault] = parsed.error.issues;
  throw new UserError(
    `"${path}" line ${number}: ${fault?.path.join('.') || 'the event'} cannot be used (${fault?.message}).`,
  );
}
