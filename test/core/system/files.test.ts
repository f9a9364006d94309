import { strict as assert } from 'node:assert';
import { readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readIfThere,
  readIfThereSync,
  removeWholeSync,
  writeQuickly,
  writeWhole,
  writeWholeSync,
} from '../../../core/system/files.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('core/system/files', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await temporaryDirectory('files');
    path = join(folder, 'file');
  });

  const WRITERS = [
    ['writeWhole', writeWhole],
    ['writeQuickly', writeQuickly],
    ['writeWholeSync', async (...words: Parameters<typeof writeWholeSync>) => writeWholeSync(...words)],
  ] as const;

  for (const [name, write] of WRITERS) {
    describe(name, () => {
      it('writes a private file, and replaces one', async () => {
        await write(path, 'old');
        await write(path, 'new');
        assert.equal(readFileSync(path, 'utf8'), 'new');
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.deepEqual(readdirSync(folder), ['file']);
      });

      it('replaces a link, and leaves what it leads to', async () => {
        writeFileSync(join(folder, 'other'), 'precious');
        symlinkSync('other', path);
        await write(path, 'new');
        assert.equal(readFileSync(join(folder, 'other'), 'utf8'), 'precious');
        assert.equal(readFileSync(path, 'utf8'), 'new');
      });

      it('leaves nothing where it fails', async () => {
        symlinkSync('nothing', join(folder, 'link'));
        await assert.rejects(write(join(folder, 'link', 'file'), 'text'), { code: 'ENOENT' });
        assert.deepEqual(readdirSync(folder), ['link']);
      });
    });
  }

  it('removes what a crash left beside a file of one writer, with the next one or with the file', () => {
    const kill = (): void => writeFileSync(`${path}.part`, 'half');
    kill();
    writeWholeSync(path, 'new');
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.deepEqual(readdirSync(folder), ['file']);
    kill();
    removeWholeSync(path);
    assert.deepEqual(readdirSync(folder), []);
    removeWholeSync(path);
  });

  it('keeps the old content where the new one fails to come', async () => {
    await writeWhole(path, 'old');
    function* failing(): Generator<string> {
      yield 'half';
      throw new Error('no more');
    }
    await assert.rejects(writeWhole(path, failing()), /no more/);
    assert.equal(readFileSync(path, 'utf8'), 'old');
    assert.deepEqual(readdirSync(folder), ['file']);
  });

  it('reads a file where there is one', async () => {
    assert.equal(await readIfThere(path), undefined);
    assert.equal(readIfThereSync(path), undefined);
    await writeWhole(path, ['one ', 'two']);
    assert.equal((await readIfThere(path))?.toString(), 'one two');
    assert.equal(readIfThereSync(path)?.toString(), 'one two');
    await assert.rejects(readIfThere(folder), { code: 'EISDIR' });
  });
});
