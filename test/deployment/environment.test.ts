import { describe, expect, it } from 'vitest';
import { readConfig, variables } from '../../src/config.ts';
import { composeFiles, exampleVariables, referencesOf, servicesOf } from './compose-files.ts';

/** What Compose itself reads. */
const ofCompose = ['COMPOSE_FILE', 'COMPOSE_PATH_SEPARATOR'];
const references = composeFiles.flatMap((file) => referencesOf(file));
const referenced = [...new Set(references.map(({ variable }) => variable))];
const example = exampleVariables();
const passwords = ['RABBITMQ_PASS', 'REDIS_PASSWORD', 'POSTGRES_PASSWORD'];
const overlay = servicesOf('docker-compose.enrichment-workers.yml');

describe('.env.example', () => {
  it('names every variable that the program or a compose file reads, and no other', () => {
    expect([...example.keys()].sort()).toEqual(
      [...new Set([...variables, ...referenced, ...ofCompose])].sort(),
    );
  });

  it('sets no variable twice, and no password', () => {
    const set = [...example].filter(([, lines]) => lines.filter((line) => line.set).length > 1);
    expect(set).toEqual([]);
    for (const password of passwords) expect(example.get(password)).toEqual([{ value: '', set: true }]);
  });

  it('shows defaults that the program takes, and that are its own', () => {
    const shown: Record<string, string> = {};
    for (const [variable, lines] of example) {
      const commented = lines.findLast((line) => !line.set);
      if (commented !== undefined) shown[variable] = commented.value;
    }
    const inContainers = { HEALTH_HOST: '0.0.0.0', HEALTH_PORT: '9464', LOG_LEVEL: 'info' };
    const servers = ['LEDGER_URL', 'DATABASE_URL', 'RABBITMQ_HOST', 'REDIS_HOST', 'RABBITMQ_MANAGEMENT_URL'];
    expect(shown).toMatchObject(inContainers);
    const same = Object.fromEntries(
      Object.entries(shown).filter(([name]) => !servers.includes(name) && !(name in inContainers)),
    );
    expect(readConfig({}, same)).toEqual(readConfig({}, {}));
    expect(() => readConfig({}, shown)).not.toThrow();
  });

  it('shows the defaults of the compose files', () => {
    for (const { variable, operator, text } of references) {
      if (operator !== ':-' || text === '') continue;
      expect(
        example.get(variable)?.map(({ value }) => value),
        variable,
      ).toContain(text);
    }
  });

  it('makes the short commands find both files', () => {
    expect(example.get('COMPOSE_FILE')).toEqual([{ value: composeFiles.join(':'), set: true }]);
  });
});

describe('the compose files', () => {
  it('have for each variable a default, or a sentence that says where to set it', () => {
    for (const { variable, operator, text } of references) {
      if (operator === ':?') expect(text).toBe(`Set ${variable} in .env, see .env.example`);
      else expect(operator, variable).toBe(':-');
    }
  });

  it('have no default for a password or a user', () => {
    for (const variable of [...passwords, 'RABBITMQ_USER']) {
      const operators = references.filter((one) => one.variable === variable).map(({ operator }) => operator);
      expect(new Set(operators)).toEqual(new Set([':?']));
    }
  });

  it.each(Object.keys(overlay))(
    'hand every variable of the program to %s, from the variable of the same name',
    (name) => {
      const environment = overlay[name]?.environment ?? {};
      for (const variable of variables) {
        expect(environment[variable], variable).toMatch(new RegExp(`^\\$\\{${variable}:[-?]`));
      }
      expect(Object.keys(environment).filter((one) => !variables.includes(one))).toEqual(['PGPASSWORD']);
    },
  );
});
