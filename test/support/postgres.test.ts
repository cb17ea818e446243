import { expect, it } from 'vitest';
import { freshDatabase } from './postgres.ts';

it('gives every caller a database of its own', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
  await one.query('CREATE TABLE mine (n integer)');
  expect(await one.query('SELECT count(*)::int AS n FROM mine')).toEqual([{ n: 0 }]);
  await expect(other.query('SELECT 1 FROM mine')).rejects.toThrow('does not exist');
  await Promise.all([one.drop(), other.drop()]);
  await expect(one.query('SELECT 1')).rejects.toThrow('does not exist');
});
