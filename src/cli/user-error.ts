import { inspect } from 'node:util';
import { ConfigError } from '../config.ts';
import { EmbeddedPostgresError } from '../embedded/embedded-postgres-error.ts';
import { LedgerRefusal, LedgerUnavailable } from '../ledger/ledger.ts';
import { OtherLedger } from '../ledger/ledger-claim.ts';
import { OtherVersion } from '../projections/checkpoint.ts';
import { OldSnapshots } from '../projections/old-snapshots.ts';
import { PointedAt } from '../projections/pointed-at.ts';
import { RebuildUnderWay } from '../projections/rebuild.ts';
import { NothingBefore } from '../projections/roll-back.ts';
import { QueueUnavailable } from '../queue/rabbitmq-connection.ts';
import { NoProviderLeft } from '../workers/handle.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { systemSentence } from './system-sentence.ts';
import { shown } from './visible-text.ts';

/** Something that the person at the command line can put right; the message is one sentence that says how. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: ExitCode;

  constructor(message: string, options: { readonly exitCode?: ExitCode; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** Errors whose message is such a sentence already. */
const forPersons = [
  UserError,
  ConfigError,
  EmbeddedPostgresError,
  OtherLedger,
  OtherVersion,
  NothingBefore,
  OldSnapshots,
  PointedAt,
  QueueUnavailable,
  RebuildUnderWay,
];
/** The same, where the system's own reason behind them does not say it better. */
const forPersonsElse = [NoProviderLeft, LedgerUnavailable, LedgerRefusal];

const messageColumnsMax = 600;
const causesMax = 8;

/** One line for a person: what went wrong and what to do about it. Never a stack trace, never a password. */
export function explainError(error: unknown): string {
  const chain = causesOf(error);
  const known = chain.find((one) => forPersons.some((kind) => one instanceof kind));
  if (known instanceof Error) return shown(withoutPasswords(known.message), messageColumnsMax);
  for (const one of chain) {
    const sentence = systemSentence(one);
    if (sentence !== null) return shown(sentence, messageColumnsMax);
  }
  const expected = chain.find((one) => forPersonsElse.some((kind) => one instanceof kind));
  if (expected instanceof Error) return shown(withoutPasswords(expected.message), messageColumnsMax);
  const message = withoutPasswords(messageOf(error));
  return `${shown(message, messageColumnsMax)} (This was not expected: run it again with --verbose for the details.)`;
}

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): ExitCode {
  const known = causesOf(error).find((one) => one instanceof UserError);
  return known instanceof UserError ? known.exitCode : exitCodes.failed;
}

/** The error and what caused it; of several errors in one, such as a host with two addresses, the first. */
function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let current = error;
  while (current !== undefined && current !== null && chain.length < causesMax) {
    chain.push(current);
    if (current instanceof AggregateError && current.errors.length > 0) current = current.errors[0];
    else current = current instanceof Error ? current.cause : undefined;
  }
  return chain;
}

function messageOf(error: unknown): string {
  const said = error instanceof Error ? error.message || error.name : error;
  const text = typeof said === 'string' ? said : inspect(said, { depth: 1 });
  return text.trim() === '' ? 'It failed without saying why.' : text.trim().replace(/\s*\n\s*/g, ' ');
}

function withoutPasswords(text: string): string {
  return text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]*@/gi, '$1:***@');
}
