import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The read models of a data folder were made from another ledger than the one that is named now. */
export class OtherLedger extends Error {
  override readonly name = 'OtherLedger';
}

const embedded = 'embedded';

/**
 * A data folder belongs to the ledger that it was first used with: positions of one mean nothing in another.
 *
 * @throws OtherLedger with one sentence on what to do
 */
export async function claimLedger(dataDir: string, ledgerUrl: string | null): Promise<void> {
  const file = join(dataDir, 'ledger');
  const wanted = ledgerUrl === null ? embedded : withoutUser(ledgerUrl);
  const known = await readFile(file, 'utf8').catch(() => null);
  if (known === null) await writeFile(file, `${wanted}\n`);
  else if (known.trim() !== wanted) {
    const [was, is] = [known.trim(), wanted].map((one) => (one === embedded ? 'the one in itself' : one));
    throw new OtherLedger(
      `The data folder ${dataDir} belongs to another ledger (${was}) than ${is}: name another with --data-dir, or correct LEDGER_URL.`,
    );
  }
}

/** Scheme, hosts and database: what says which ledger it is. */
function withoutUser(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/, '');
}
