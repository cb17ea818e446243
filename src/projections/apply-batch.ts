import type { Client } from 'pg';
import type { Arrival } from './arrival.ts';
import type { Quarantine } from './quarantine.ts';
import type { Fold, ReadModel } from './read-model.ts';
import { readModels } from './read-models.ts';

/**
 * Folds events in memory, each stream in its order, and writes each row once. An event that cannot be taken parks its
 * stream in that read model.
 */
export async function applyBatch(
  client: Client,
  arrivals: readonly Arrival[],
  quarantine: Quarantine,
): Promise<void> {
  for (const model of readModels) {
    const own = arrivals.filter(({ stream }) => model.follows(stream));
    if (own.length === 0) continue;
    const changes = await model.load(client, streamsToLoad(own));
    for (const arrival of own) takeOrPark(model, changes, arrival, quarantine);
    await changes.save(client);
  }
  await quarantine.save(client);
}

/** A stream that begins here has no rows yet. */
function streamsToLoad(arrivals: readonly Arrival[]): readonly string[] {
  const begins = new Map<string, boolean>();
  for (const { stream, revision } of arrivals) if (!begins.has(stream)) begins.set(stream, revision === 0);
  return [...begins].filter(([, isNew]) => !isNew).map(([stream]) => stream);
}

/** Takes the event where the stream is not held back; where it cannot be taken, the stream is parked. */
export function takeOrPark(model: ReadModel, fold: Fold, arrival: Arrival, quarantine: Quarantine): void {
  if (quarantine.holdsBack(model.name, arrival)) return;
  try {
    take(fold, arrival);
  } catch (error) {
    quarantine.park(model.name, arrival, error);
  }
}

/**
 * The same, one event at a time, each undone alone where the database refuses what comes of it. For a batch that holds
 * such an event, which `isRefusal` tells by its error.
 */
export async function applyOneByOne(
  client: Client,
  arrivals: readonly Arrival[],
  quarantine: Quarantine,
  models: readonly ReadModel[] = readModels,
): Promise<void> {
  for (const arrival of arrivals) {
    for (const model of models) {
      if (!model.follows(arrival.stream) || quarantine.holdsBack(model.name, arrival)) continue;
      await client.query('SAVEPOINT one');
      const trouble = await takeAlone(client, model, arrival);
      if (trouble !== null) {
        await client.query('ROLLBACK TO SAVEPOINT one');
        quarantine.park(model.name, arrival, trouble.error);
      }
      await client.query('RELEASE SAVEPOINT one');
    }
  }
  await quarantine.save(client);
}

/** Null: it was taken. Only what the event itself is at fault for is an answer, not a lost connection or a late one. */
async function takeAlone(
  client: Client,
  model: ReadModel,
  arrival: Arrival,
): Promise<{ readonly error: unknown } | null> {
  try {
    const changes = await model.load(client, [arrival.stream]);
    try {
      take(changes, arrival);
    } catch (error) {
      return { error };
    }
    await changes.save(client);
    return null;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { error };
  }
}

function take(fold: Fold, { stream, revision, event, reason }: Arrival): void {
  if (event === null) throw new Error(reason);
  fold.apply({ stream, revision, event });
}

/** What the database says about the values themselves: bad data, a broken constraint, a value too long for its index. */
export function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(22|23|54)/.test(code);
}
