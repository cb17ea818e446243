/** How the command-line tool is called on this machine: through npm in a checkout, else by its name. */
export function toolCommand({ npmScript }: { readonly npmScript: string | undefined }): string {
  return npmScript === 'cli' ? 'npm run -s cli --' : 'enrichment-ledger';
}

/** Arguments as they would be typed into a shell. */
export function quotedArguments(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}
