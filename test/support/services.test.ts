import { connect } from 'node:net';
import { expect, inject, it } from 'vitest';
import { sharedService } from './services/shared.ts';

const missing = inject('redisMissing');

it.skipIf(missing !== null)(
  `Redis is there for tests${missing === null ? '' : ` (${missing})`}`,
  async () => {
    const { hostname, port } = new URL((await sharedService<{ readonly url: string }>('redis')).url);
    const socket = connect(Number(port), hostname);
    const said = new Promise((resolve, reject) => {
      socket.once('data', (chunk) => resolve(chunk.toString()));
      socket.once('error', reject);
    });
    socket.write('PING\r\n');
    // One with a password says that it wants it.
    expect(await said).toMatch(/^(\+PONG|-NOAUTH)/);
    socket.destroy();
  },
);
