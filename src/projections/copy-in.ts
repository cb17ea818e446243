import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/**
 * @param into a table, and its columns in parentheses
 * @param bytes what `CopyBinary` made
 */
export async function copyIn(client: Client, into: string, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return;
  const stream = client.query(copyFrom(`COPY ${into} FROM STDIN (FORMAT binary)`));
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject).on('finish', resolve);
    // All at once: the stream does not survive what else it would have to send after the server's refusal.
    stream.end(bytes);
  });
}
