#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { tool } from './command-line.ts';
import { demoCommand } from './commands/demo.ts';
import { dlqCommand } from './commands/dlq.ts';
import { doctorCommand } from './commands/doctor.ts';
import { gateCommand } from './commands/gate.ts';
import { ledgerCommand } from './commands/ledger.ts';
import { migrateCommand } from './commands/migrate.ts';
import { projectionsCommand } from './commands/projections.ts';
import { projectorCommand } from './commands/projector.ts';
import { queueCommand } from './commands/queue.ts';
import { redecideCommand } from './commands/redecide.ts';
import { runCommand } from './commands/run.ts';
import { simulateCommand } from './commands/simulate.ts';
import { simulateRulesCommand } from './commands/simulate-rules.ts';
import { trackCommand } from './commands/track.ts';
import { workerCommand } from './commands/worker.ts';
import { exitCodes } from './exit-code.ts';
import { exitCodeOf, explainError } from './user-error.ts';

const program = new Command(tool)
  .description('Enriches music tracks at Spotify, MusicBrainz and Last.fm, and keeps every fact on the way.')
  .option('--verbose', 'print the details of unexpected errors')
  .showHelpAfterError('(--help shows how it is used)')
  .exitOverride()
  .addCommand(runCommand())
  .addCommand(trackCommand())
  .addCommand(ledgerCommand())
  .addCommand(queueCommand())
  .addCommand(workerCommand())
  .addCommand(dlqCommand())
  .addCommand(gateCommand())
  .addCommand(migrateCommand())
  .addCommand(projectorCommand())
  .addCommand(projectionsCommand())
  .addCommand(redecideCommand())
  .addCommand(simulateRulesCommand())
  .addCommand(demoCommand())
  .addCommand(simulateCommand())
  .addCommand(doctorCommand());

program.addHelpText(
  'after',
  `
Examples:
  $ ${tool} demo                              see it work, without a network
  $ ${tool} run tracks.csv --simulate         the same with tracks of yours
  $ ${tool} track find larkspur lanterns      the id of a track
  $ ${tool} track history 0edd7a4f56cd98ef    everything that happened to it`,
);

for (const command of program.commands) {
  command.exitOverride();
  for (const below of command.commands) {
    below.exitOverride();
    for (const deeper of below.commands) deeper.exitOverride();
  }
}

// A reader such as `head` may close the pipe early; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reported(error);
}

function reported(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return exitCodes.wrongUsage;
  }
  process.stderr.write(`${explainError(error)}\n`);
  if (program.opts<{ verbose?: boolean }>().verbose === true) console.error(error);
  return exitCodeOf(error);
}
