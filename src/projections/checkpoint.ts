import type { ClientBase } from 'pg';
import type { Position } from '../ledger/ledger.ts';

/** Where the read models stand. */
export interface Checkpoint {
  /** Null before the first event. */
  readonly position: Position | null;
  readonly epoch: number;
}

const name = 'read-models';

/** Another projector moved the checkpoint: this one must not go on. */
export class CheckpointLost extends Error {
  override readonly name = 'CheckpointLost';
}

export async function readCheckpoint(client: ClientBase): Promise<Checkpoint> {
  await client.query(
    'INSERT INTO projection_checkpoint (name, epoch) VALUES ($1, 0) ON CONFLICT DO NOTHING',
    [name],
  );
  const { rows } = await client.query<{ position: string | null; epoch: string }>(
    'SELECT position, epoch FROM projection_checkpoint WHERE name = $1',
    [name],
  );
  return { position: rows[0]?.position ?? null, epoch: Number(rows[0]?.epoch ?? 0) };
}

/**
 * Moves the checkpoint, only from what was read: that is the fence between two projectors that both believe to be
 * the active one.
 *
 * @throws CheckpointLost
 */
export async function moveCheckpoint(
  client: ClientBase,
  from: Checkpoint,
  to: Position,
): Promise<Checkpoint> {
  const epoch = from.epoch + 1;
  const { rowCount } = await client.query({
    name: 'checkpoint-move',
    text: 'UPDATE projection_checkpoint SET position = $1, epoch = $2 WHERE name = $3 AND epoch = $4',
    values: [to, epoch, name, from.epoch],
  });
  if (rowCount !== 1) throw new CheckpointLost('Another projector moved the checkpoint: only one may run.');
  return { position: to, epoch };
}
