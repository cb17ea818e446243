import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findBinaries, linkLibraries } from '../../src/embedded/binaries.ts';

describe('the programs of PostgreSQL', () => {
  it('are found where npm put them', () => {
    const { initdb, postgres } = findBinaries();
    expect(existsSync(initdb)).toBe(true);
    expect(existsSync(postgres)).toBe(true);
  });

  describe('whose install script did not run', () => {
    let folder = '';
    const lib = (name: string) => join(folder, 'native/lib', name);

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'binaries-'));
      mkdirSync(dirname(lib('any')), { recursive: true });
      writeFileSync(lib('libpq.so.5.18'), '');
      const links = ['libpq.so', 'libpq.so.5'].map((name) => ({
        source: 'native/lib/libpq.so.5.18',
        target: `native/lib/${name}`,
      }));
      writeFileSync(join(folder, 'native/pg-symlinks.json'), JSON.stringify(links));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it('get the links of their libraries, once', () => {
      for (let time = 0; time < 2; time++) linkLibraries(join(folder, 'native'));
      expect(readlinkSync(lib('libpq.so'))).toBe('libpq.so.5.18');
      expect(statSync(lib('libpq.so.5')).isFile()).toBe(true);
    });

    it('say in one sentence that a link cannot be made', () => {
      rmSync(dirname(lib('any')), { recursive: true });
      expect(() => linkLibraries(join(folder, 'native'))).toThrow(
        /^The library link .*libpq\.so is missing and cannot be made \(ENOENT.*\): run npm rebuild/,
      );
    });
  });
});
