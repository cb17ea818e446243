import { expect, it } from 'vitest';
import { startModule } from '../support/cli.ts';

it('a log line is one JSON object on standard error: level as a word, ISO time, msg, the fields, the cause', async () => {
  const { stdout, stderr, code } = await startModule('test/telemetry/say.ts', ['info']).ended;
  expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    trackId: 'a\nb',
    msg: '✓ Enriched: Zoë - Sun (source: spotify)',
  });
  expect(lines[1]).toMatchObject({ level: 'error', msg: 'It failed.', err: { message: 'above: below' } });
});

it('silence is silent', async () => {
  expect((await startModule('test/telemetry/say.ts', ['silent']).ended).stderr).toBe('');
});
