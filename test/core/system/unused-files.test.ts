import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { noteUse, removeUnused, type UnusedRule } from '../../../core/system/unused-files.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 0, 5);
const PART = 'a.json.01234567-89ab-4def-8123-456789abcdef.part';

describe('core/system/unused-files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryDirectory('unused');
  });

  function put(path: string, ageDays: number): string {
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, 'x');
    const time = new Date(NOW_MS - ageDays * DAY_MS);
    utimesSync(at, time, time);
    return at;
  }

  async function remove(rule: Partial<UnusedRule> = {}) {
    const given = { keptMs: 30 * DAY_MS, nowMs: NOW_MS, mayGo: (name: string) => name.endsWith('.json') };
    return await removeUnused(folder, { ...given, ...rule });
  }

  const CASES: readonly (readonly [what: string, path: string, ageDays: number, isLeft: boolean])[] = [
    ['a file that was used', 'ab/a.json', 29, true],
    ['one that was not', 'ab/a.json', 30, false],
    ['one that is not in a folder', 'a.json', 31, false],
    ['one of a time that is yet to come', 'ab/a.json', -400, true],
    ['somebody else\u2019s', 'ab/notes.txt', 400, true],
    ['one that is half written', `ab/${PART}`, 0.9, true],
    ['one that was left so', `ab/${PART}`, 1.1, false],
    ['a name that only looks so', 'ab/a.json.part', 400, true],
    ['what is deeper', 'ab/cd/a.json', 400, true],
  ];
  for (const [what, path, ageDays, isLeft] of CASES) {
    it(`${isLeft ? 'leaves' : 'removes'} ${what}`, async () => {
      const at = put(path, ageDays);
      assert.deepEqual(await remove(), isLeft ? { files: 0, bytes: 0 } : { files: 1, bytes: 1 });
      assert.equal(existsSync(at), isLeft);
    });
  }

  it('follows no links', async () => {
    put('outside/ab/a.json', 400);
    mkdirSync(join(folder, 'inside'));
    symlinkSync('../outside/ab', join(folder, 'inside/ab'));
    symlinkSync('../outside/ab/a.json', join(folder, 'inside/b.json'));
    folder = join(folder, 'inside');
    assert.deepEqual((await remove()).files, 0);
    assert.deepEqual(readdirSync(folder), ['ab', 'b.json']);
  });

  it('does nothing where there is no folder, and ends when it is told to', async () => {
    put('ab/a.json', 400);
    put('cd/a.json', 400);
    assert.equal((await remove({ signal: AbortSignal.abort() })).files, 1);
    folder = join(folder, 'nowhere');
    assert.deepEqual(await remove(), { files: 0, bytes: 0 });
  });

  it('notes a use once a day, and never fails for that', async () => {
    const at = put('a.json', 2);
    const timeOf = (): number => statSync(at).mtimeMs;
    await noteUse(at, timeOf(), NOW_MS);
    assert.equal(timeOf(), NOW_MS);
    await noteUse(at, timeOf(), NOW_MS + DAY_MS / 2);
    assert.equal(timeOf(), NOW_MS);
    await noteUse(join(folder, 'gone'), 0, NOW_MS);
  });
});
