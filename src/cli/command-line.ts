import { terminalOf } from '../config.ts';

/** How the command-line tool was called: through npm in a checkout, else by its name. */
export const tool = terminalOf().npmScript === 'cli' ? 'npm run -s cli --' : 'enrichment-ledger';

/** Arguments as they would be typed into a shell. */
export function quotedArguments(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}
