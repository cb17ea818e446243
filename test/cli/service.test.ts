import { expect, it } from 'vitest';
import { startModule } from '../support/cli.ts';

const service = 'test/cli/lingering-service.ts';

it('a service that has stopped ends, even if a connection of it is still open', async () => {
  const running = startModule(service, []);
  await running.said('service is running');
  running.child.kill('SIGTERM');
  const { code, signal, stderr } = await running.ended;
  expect(stderr).toContain('service has stopped');
  expect({ code, signal }).toEqual({ code: 0, signal: null });
});

it('a service that failed ends with the exit code of a failure, even if a connection of it is still open', async () => {
  const { code, stderr } = await startModule(service, ['The broker is gone for good.']).ended;
  expect(stderr).toContain('The broker is gone for good.');
  expect(code).toBe(1);
});
