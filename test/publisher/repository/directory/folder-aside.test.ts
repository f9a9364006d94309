import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderAside } from '../../../../publisher/repository/directory/folder-aside.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

describe('publisher/repository/directory/folder-aside', () => {
  let control = '';
  let aside: FolderAside;

  beforeEach(async () => {
    control = await temporaryDirectory('aside');
    aside = await FolderAside.make(control);
  });
  afterEach(async () => await aside.close());

  function keep(...chunks: readonly string[]): void {
    for (const chunk of chunks) aside.write(Buffer.from(chunk));
    aside.keep();
  }

  async function contentOf(number: number): Promise<string> {
    let text = '';
    for await (const chunk of aside.at(number).content) text += Buffer.from(chunk).toString();
    return text;
  }

  it('keeps files that can be moved away, and forgets others', async () => {
    keep('one', ' and more');
    aside.write(Buffer.from('a long one that is not kept'));
    aside.drop();
    keep('two');
    aside.drop();
    keep('three');
    assert.deepEqual(await Promise.all([0, 1, 2].map(contentOf)), ['one and more', 'two', 'three']);
    const moved = join(control, 'moved');
    renameSync(aside.at(1).movable ?? assert.fail(), moved);
    assert.equal(readFileSync(moved, 'utf8'), 'two');
    await assert.rejects(contentOf(1), { code: 'layer-vanished' });
  });

  it('leaves nothing when it is closed, but for what was moved', async () => {
    const before = readdirSync(control);
    const other = await FolderAside.make(control);
    other.write(Buffer.from('one'));
    other.keep();
    other.write(Buffer.from('half of a file'));
    renameSync(other.at(0).movable ?? assert.fail(), join(control, 'moved'));
    await other.close();
    assert.deepEqual(readdirSync(control).sort(), [...before, 'moved'].sort());
  });

  it('is left alone while it is used, and removed when its process has died', async () => {
    keep('one');
    const [used = ''] = readdirSync(control);
    const abandoned = join(control, 'aside-of-another');
    mkdirSync(abandoned);
    for (const name of ['lock', '0', '1']) writeFileSync(join(abandoned, name), 'left');
    mkdirSync(join(control, 'aside-without-lock'));
    writeFileSync(join(control, 'lock'), '');
    await FolderAside.removeAbandoned(control);
    assert.deepEqual(readdirSync(control).sort(), [used, 'lock'].sort());
    assert.equal(await contentOf(0), 'one');
  });

  it('keeps a thousand files in a folder, so that they can be removed one folder after the other', async () => {
    for (let number = 0; number < 2_500; number++) keep(String(number));
    const [own = ''] = readdirSync(control);
    const counts = readdirSync(join(control, own)).filter((name) => name !== 'lock');
    assert.deepEqual(
      counts.map((name) => readdirSync(join(control, own, name)).length).toSorted((a, b) => a - b),
      [500, 1_000, 1_000],
    );
    assert.equal(await contentOf(2_499), '2499');
  });

  it('cannot be written once it was taken away', () => {
    const [folder = ''] = readdirSync(control);
    rmSync(join(control, folder), { recursive: true });
    assert.throws(() => keep('one'), { code: 'ENOENT' });
    assert.ok(!existsSync(join(control, folder)));
  });
});
