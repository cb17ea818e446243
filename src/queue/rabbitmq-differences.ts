import { QueueUnavailable } from './rabbitmq-connection.ts';
import type { QueueSpec } from './topology.ts';

/** A queue as the broker has it. */
export interface FoundQueue {
  readonly durable: boolean;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** One sentence on how a queue differs from what it has to be: what was found, what is wanted, what to do. */
export function differenceOfQueue({ name, arguments: wanted }: QueueSpec, found: FoundQueue): string {
  const should: Readonly<Record<string, unknown>> = {
    durable: true,
    'x-queue-type': 'classic',
    ...wanted,
  };
  const is: Readonly<Record<string, unknown>> = {
    durable: found.durable,
    'x-queue-type': 'classic',
    ...found.arguments,
  };
  const names = [...new Set([...Object.keys(should), ...Object.keys(is)])];
  const differing = names.filter((one) => should[one] !== is[one]);
  const each = differing.map((one) => `${one} ${said(is[one])}, and ${said(should[one])} is wanted`);
  const all = each.length === 0 ? 'something that the broker does not name' : each.join('; ');
  return `The queue ${name} has ${all}: ${remedy(name)}`;
}

/**
 * The same from the broker's own words, which name the first argument that differs.
 *
 * @param what such as `queue NAME`
 * @throws the error where it is about something else
 */
export function differenceInWords(what: string, error: unknown): string {
  if (error instanceof QueueUnavailable) throw error;
  const text = error instanceof Error ? error.message : String(error);
  const [, argument, wanted, found] =
    /inequivalent arg '([^']+)' for .*: received (?:the value )?(.+?) (?:of type '\w+' )?but current is (?:the value )?(.+?)(?: of type '\w+')?"?$/m.exec(
      text,
    ) ?? [];
  if (argument === undefined) throw error;
  const name = what.split(' ')[1] ?? what;
  return `The ${what} has ${argument} ${found}, and ${wanted} is wanted: ${remedy(name)}`;
}

function said(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

function remedy(name: string): string {
  return `stop its users, empty it (the messages would be lost) and delete it with "rabbitmqctl delete_queue ${name}", then run "queue init" again.`;
}
