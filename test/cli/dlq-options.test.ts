import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { dlqCommand } from '../../src/cli/commands/dlq.ts';

/** What the command line says before anything is opened. */
async function refusalOf(args: readonly string[]): Promise<string> {
  const dlq = dlqCommand();
  const said: string[] = [];
  const quiet = (command: Command) =>
    command.exitOverride().configureOutput({ writeErr: (text) => void said.push(text) });
  quiet(dlq);
  for (const below of dlq.commands) quiet(below);
  await expect(dlq.parseAsync(args, { from: 'user' })).rejects.toThrow();
  return said.join('');
}

it.each([
  ['an error type that is none', ['list', '--error-type', 'bad luck'], /Allowed choices are .*unavailable/],
  ['a provider that is none', ['list', '--provider', 'tidal'], /Allowed choices are spotify/],
  ['a time that is none', ['list', '--since', 'yesterday'], /span such as 30m, 12h or 7d/],
  ['a limit that is none', ['list', '--limit', '0'], /whole number from 1 to 10000/],
  ['a rate that is none', ['replay', 'a', '--rate', 'fast'], /whole number from 1 to 10000/],
  ['no reason', ['dismiss', 'a'], /--why/],
  ['an empty reason', ['dismiss', 'a', '--why', ' '], /It takes a few words/],
  ['a reason of a book', ['replay', 'a', '--why', 'x'.repeat(1001)], /at most 1000 characters/],
])('dlq with %s says in one line what it takes', async (_, args, sentence) => {
  expect((await refusalOf(args)).trim()).toMatch(sentence);
});
