import type { Client } from 'pg';
import { versionOf } from './migrate.ts';
import { projectionVersion } from './version.ts';

/** What operators said of the tables in one schema holds for those in another: a pause, and what to do with poison. */
export async function carryOver(client: Client, from: string, to: string): Promise<void> {
  if (!(await areBothOurs(client, from, to))) return;
  await client.query(
    `UPDATE ${to}.projection_checkpoint AS n SET paused_by = l.paused_by, paused_at = l.paused_at
       FROM ${from}.projection_checkpoint AS l`,
  );
  await carrySkips(client, from, to);
  await client.query(
    `UPDATE ${to}.projection_quarantine AS n
        SET request = l.request, requested_by = l.requested_by, requested_why = l.requested_why
       FROM ${from}.projection_quarantine AS l
      WHERE (n.read_model, n.stream, n.revision) = (l.read_model, l.stream, l.revision)
        AND n.request IS NULL AND l.request IS NOT NULL`,
  );
}

/** Has what is parked in one schema alone tried once more: since it was parked, its cause may have gone. */
export async function requestAnew(client: Client, from: string, to: string): Promise<void> {
  if (!(await areBothOurs(client, from, to))) return;
  await carrySkips(client, from, to);
  await client.query(
    `UPDATE ${to}.projection_quarantine AS n SET request = 'retry'
      WHERE n.request IS NULL AND NOT EXISTS (
        SELECT FROM ${from}.projection_quarantine AS l WHERE (l.read_model, l.stream) = (n.read_model, n.stream))`,
  );
}

/** What was passed over in one is in the other: where it stands before such an event, it passes over it now. */
export async function carrySkips(client: Client, from: string, to: string): Promise<void> {
  await client.query(
    `INSERT INTO ${to}.projection_skipped SELECT * FROM ${from}.projection_skipped ON CONFLICT DO NOTHING`,
  );
  await client.query(
    `UPDATE ${to}.projection_quarantine AS n SET request = 'skip', requested_by = s.by, requested_why = s.why
       FROM ${from}.projection_skipped AS s
      WHERE (n.read_model, n.stream, n.revision) = (s.read_model, s.stream, s.revision)`,
  );
}

async function areBothOurs(client: Client, from: string, to: string): Promise<boolean> {
  const [one, other] = [await versionOf(client, from), await versionOf(client, to)];
  return one === projectionVersion && other === projectionVersion;
}
