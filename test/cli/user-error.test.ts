import { createServer } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exitCodes } from '../../src/cli/exit-code.ts';
import { exitCodeOf, explainError, UserError } from '../../src/cli/user-error.ts';

test('a taken port is said as one, with what to do', async () => {
  const listen = (port: number) => {
    const server = createServer();
    return new Promise<typeof server>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
    });
  };
  const server = await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const said = await listen(port).then(String, explainError);
  server.close();
  expect(said).toBe(`Port ${port} is taken by another process: stop that one, or choose another port.`);
});

test('a known error is found among the causes of one that wraps it', () => {
  const refused = Object.assign(new Error('connect'), {
    code: 'ECONNREFUSED',
    address: '127.0.0.1',
    port: 5432,
  });
  const wrapped = new Error('no ledger', { cause: new AggregateError([refused, refused]) });
  expect(explainError(wrapped)).toBe(
    'Nothing listens at 127.0.0.1:5432: start that server, or correct its address.',
  );
  const full = new Error('append', { cause: Object.assign(new Error('x'), { code: '53100' }) });
  expect(explainError(full)).toMatch(/^PostgreSQL reports: The disk is full: free some space/);
});

test('an unknown error keeps its message and names the way to the details, without a stack', () => {
  const said = explainError(new Error('wires crossed\n    at somewhere'));
  expect(said).toMatch(/^wires crossed.*--verbose/);
  expect(said).not.toMatch(/\n|\\n/);
});

test('the exit code is that of the user error within, else 1', () => {
  const usage = new UserError('No such flag.', { exitCode: exitCodes.wrongUsage });
  expect(exitCodeOf(new Error('outer', { cause: usage }))).toBe(2);
  expect(exitCodeOf(new UserError('It is wrong.'))).toBe(1);
  expect(exitCodeOf('thrown text')).toBe(1);
});

test('passwords in addresses are never repeated', () => {
  const said = explainError(new Error('cannot reach postgres://user:s3cret@localhost:5432/db'));
  expect(said).toContain('postgres://user:***@localhost:5432/db');
  expect(said).not.toContain('s3cret');
});

test('whatever is thrown is explained in one bounded line without control characters', () => {
  const thrown = fc.oneof(
    fc.anything(),
    fc.string({ unit: 'binary' }).map((text) => new Error(text)),
    fc.record({
      code: fc.oneof(fc.string(), fc.constant('ENOENT')),
      path: fc.anything(),
      cause: fc.anything(),
    }),
  );
  fc.assert(
    fc.property(thrown, (error) => {
      const said = explainError(error);
      expect(said).not.toMatch(/\p{Cc}/u);
      expect(said.length).toBeGreaterThan(0);
      expect(said.length).toBeLessThan(2000);
    }),
  );
});

test('a chain of causes that bites its own tail comes to an end', () => {
  const error = new Error('round');
  error.cause = error;
  expect(explainError(error)).toMatch(/^round/);
});
