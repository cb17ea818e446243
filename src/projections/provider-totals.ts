import { connectPool } from './database.ts';

/** What all that the ledger tells comes to, by provider. */
export interface ProviderTotals {
  read(): Promise<readonly { readonly provider: string; readonly calls: number; readonly costUsd: number }[]>;
  close(): Promise<void>;
}

export function openProviderTotals({ url }: { readonly url: string }): ProviderTotals {
  const pool = connectPool(url, 1);
  return {
    async read() {
      const { rows } = await pool.query<{ provider: string; calls: string; cost: string }>(
        'SELECT provider, sum(calls) AS calls, sum(cost_micro_usd) AS cost FROM metrics GROUP BY provider',
      );
      return rows.map(({ provider, calls, cost }) => ({
        provider,
        calls: Number(calls),
        costUsd: Number(cost) / 1e6,
      }));
    },
    close: () => pool.end(),
  };
}
