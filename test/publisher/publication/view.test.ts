import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryView } from '../../../publisher/publication/view.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('DirectoryView', () => {
  let view: DirectoryView;
  before(async () => {
    const root = await temporaryDirectory('view');
    mkdirSync(join(root, 'tree', 'inner'), { recursive: true });
    writeFileSync(join(root, 'tree', 'file'), 'content');
    symlinkSync('inner', join(root, 'tree', 'link'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/tree/inner/caf`), Buffer.of(0xe9)]), 'latin');
    view = new DirectoryView(root);
  });

  const KINDS = [
    ['tree', 'directory'],
    ['tree/file', 'file'],
    ['tree/link', 'symlink'],
    ['tree/inner/caf\xe9', 'file'],
    ['tree/inner/cafe', undefined],
    ['missing', undefined],
    ['missing/below', undefined],
    ['tree/file/below', undefined],
  ] as const;
  for (const [path, kind] of KINDS) {
    it(`sees ${kind ?? 'nothing'} at ${JSON.stringify(path)}`, async () => {
      assert.equal(await view.kindOf(path), kind);
    });
  }

  it('reads links, and nothing where there is none', async () => {
    assert.equal(await view.readLink('tree/link'), 'inner');
    for (const path of ['tree', 'tree/file', 'tree/missing', 'tree/file/below'])
      assert.equal(await view.readLink(path), undefined);
  });

  it('reads files, and nothing where there is none', async () => {
    assert.equal((await view.read('tree/inner/caf\xe9'))?.toString(), 'latin');
    assert.equal(await view.read('tree/missing'), undefined);
    assert.equal(await view.read('tree/file/below'), undefined);
    assert.equal(await view.read('tree'), undefined);
  });

  for (const path of ['tree', 'missing', 'tree/file'] as const) {
    it(`walks below ${path}, parents first, and through no link`, async () => {
      const found: string[] = [];
      for await (const { path: at, kind } of view.walk(path)) found.push(`${kind} ${at}`);
      const below = [
        'directory tree/inner',
        'file tree/file',
        'file tree/inner/caf\xe9',
        'symlink tree/link',
      ];
      assert.deepEqual(found.toSorted(), path === 'tree' ? below : []);
      if (path !== 'tree') return;
      assert.ok(found.indexOf('directory tree/inner') < found.indexOf('file tree/inner/caf\xe9'));
    });
  }
});
