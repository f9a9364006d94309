import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { productFiles, textOf } from '../docs/project.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { lint } from './rules.ts';

const IMPORT = /(?:from|import\(?)\s*'(\.[^']+)'/g;

/** For each folder of the product, the folders that its files import from. */
function arrows(): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const file of productFiles()) {
    const folder = dirname(file);
    const others = graph.get(folder) ?? new Set();
    graph.set(folder, others);
    for (const [, path = ''] of textOf(file).matchAll(IMPORT))
      others.add(dirname(normalize(join(folder, path))));
  }
  return graph;
}

/** All folders that `from` leads to. */
function reached(graph: Map<string, Set<string>>, from: string): Set<string> {
  const found = new Set<string>();
  for (let next = [from]; next.length > 0;) {
    next = next.flatMap((folder) => [...(graph.get(folder) ?? [])]).filter((folder) => !found.has(folder));
    for (const folder of next) found.add(folder);
  }
  return found;
}

const isWithin = (folder: string, other: string): boolean =>
  folder === other || folder.startsWith(`${other}/`);

describe('lint/floors', () => {
  const cases: [what: string, file: string, imported: string, message: RegExp | undefined][] = [
    ['from a floor below', 'daemon/cycle/a.ts', '../../core/b.ts', undefined],
    ['from the same folder', 'daemon/cycle/a.ts', './b.ts', undefined],
    ['from a subfolder', 'core/a.ts', './oci/b.ts', undefined],
    ['from a floor above', 'core/a.ts', '../wishlist/tags/b.ts', /wishlist\/tags stands above core/],
    ['from beside', 'wishlist/check/a.ts', '../meaning/b.ts', /stands beside wishlist\/check/],
    [
      'from beyond what it may know',
      'publisher/spool/a.ts',
      '../../wishlist/tags/b.ts',
      /spool knows core alone/,
    ],
    ['from tests', 'daemon/cli/a.ts', '../../test/b.ts', /test is no part of the product/],
    [
      'of an implementation',
      'daemon/state/a.ts',
      './sqlite/b.ts',
      /sqlite is named by daemon\/state\/open-state/,
    ],
    ['within an implementation', 'daemon/state/sqlite/a.ts', './b.ts', undefined],
    ['into a folder without a floor', 'daemon/new/a.ts', '../../core/b.ts', /daemon\/new is on no floor/],
  ];
  it('lets imports go down alone', async () => {
    const folder = await temporaryDirectory('floors');
    for (const [index, [, file, imported]] of cases.entries()) {
      const path = join(folder, file.replace('a.ts', `case-${index}.ts`));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `import type { B } from '${imported}';\nexport type A = B;\n`);
    }
    const found = await lint('floors', ['downward'], ['.'], folder);
    for (const [index, [what, , , message]] of cases.entries()) {
      const own = found.filter(({ filename }) => filename.endsWith(`case-${index}.ts`));
      assert.equal(own.length, message === undefined ? 0 : 1, what);
      if (message !== undefined) assert.match(own[0]?.message ?? '', message, what);
    }
  });

  it('has no circle of folders other than a folder with its own subfolders', () => {
    const graph = arrows();
    const circles = [...graph.keys()].flatMap((folder) =>
      [...reached(graph, folder)]
        .filter((other) => !isWithin(other, folder) && !isWithin(folder, other))
        .filter((other) => reached(graph, other).has(folder))
        // Siblings may know each other through the folder that holds both.
        .filter((other) => folder.split('/').slice(0, 2).join('/') !== other.split('/').slice(0, 2).join('/'))
        .map((other) => `${folder} and ${other}`),
    );
    assert.deepEqual(circles, []);
  });

  it('has at most 16 folders in publisher and in daemon, and no file in their roots', () => {
    for (const part of ['publisher', 'daemon']) {
      const own = productFiles().filter((file) => file.startsWith(`${part}/`));
      assert.deepEqual(
        own.filter((file) => dirname(file) === part),
        [],
      );
      assert.ok(new Set(own.map((file) => file.split('/')[1])).size <= 16, part);
    }
  });
});
