import { flags } from './flags.ts';
import { loadPostgres } from './load-postgres.ts';
import { pairs } from './pairs.ts';
import { withPostgres } from './servers.ts';

/** A rebuild from the PostgreSQL ledger beside its limit, in pairs; then once at several times the size. */
export async function fromPostgres(): Promise<void> {
  console.log('Rebuild from the PostgreSQL ledger, up to the swap, without the comparison');
  await measure(flags.tracks, flags.rounds, flags.data);
  if (flags.times > 1) await measure(flags.tracks * flags.times, 1, null);
  console.log();
}

async function measure(tracks: number, rounds: number, kept: string | null): Promise<void> {
  await withPostgres(async ({ url, dataDir }) => {
    const mix = await loadPostgres(url, tracks);
    const types = mix.types.map(
      ({ type, events }) => `${type} ${((100 * events) / mix.events).toFixed(1)} %`,
    );
    console.log(
      `  ${mix.events} events of ${mix.tracks} tracks, ${mix.bytesMean} bytes each: ${types.join(', ')}`,
    );
    await pairs({
      limitScript: 'limit-postgres.ts',
      limitName: 'COPY, parse',
      settings: { BENCH_URL: url, BENCH_LEDGER: url },
      dataDir,
      events: mix.events,
      rounds,
      target: 0.45,
    });
  }, kept);
}
