import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '../support/setup.ts';
import { lint } from './rules.ts';

describe('lint/titles', () => {
  it('has outermost suites called as their files', async () => {
    const folder = await temporaryDirectory('titles');
    await mkdir(join(folder, 'test/a'), { recursive: true });
    const good = [
      "describe('a/b', () => { describe('inner', () => {}); });",
      "describe('a/b: what', () => {});",
      'for (const kind of [1]) describe(`a/b: ${kind}`, () => {});',
      "describeWith(['root'], 'a/b', () => {});",
      "function suite() { describe('whatever', () => {}); }",
    ];
    const bad = [
      "describe('b', () => {});",
      "describe('a/bc', () => {});",
      'describe(NAME, () => {});',
      "describe.skip('skipped', () => {});",
      "describeServer('a server', () => {});",
    ];
    await writeFile(join(folder, 'test/a/b.test.ts'), [...good, ...bad].join('\n'));
    await writeFile(join(folder, 'test/a/b.ts'), bad.join('\n'));
    const found = await lint('titles', ['path'], ['.'], folder);
    assert.deepEqual(
      found.map(({ filename, message }) => [filename, message]),
      bad.map(() => [
        'test/a/b.test.ts',
        "Call this suite 'a/b', or 'a/b: …' if there are several in the file.",
      ]),
    );
  });
});
