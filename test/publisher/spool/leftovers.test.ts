import { strict as assert } from 'node:assert';
import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { partName, removeLeftovers } from '../../../publisher/spool/leftovers.ts';
import { digestOf } from '../../support/registry/image.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const DAY_S = 24 * 60 * 60;

describe('spool/leftovers', () => {
  it('keeps parts of blobs for three days, and nothing else', async () => {
    const directory = await temporaryDirectory('leftovers');
    const now = Date.now() / 1000;
    const ages = [0, 2.9, 3.1, 300];
    const names = ages.map((age) => partName(digestOf(Buffer.from(`${age}`))));
    for (const [index, name] of names.entries()) {
      const path = join(directory, name);
      await writeFile(path, 'half');
      await utimes(path, now, now - (ages[index] ?? 0) * DAY_S);
    }
    const [other = '', folder = '', link = ''] = ['x', 'y', 'z'].map((text) =>
      partName(digestOf(Buffer.from(text))),
    );
    await writeFile(join(directory, `${other}.old`), '');
    await writeFile(join(directory, 'abc.part'), 'half');
    await mkdir(join(directory, folder, 'folder'), { recursive: true });
    await symlink(names[0] ?? '', join(directory, link));
    await removeLeftovers(directory);
    assert.deepEqual((await readdir(directory)).toSorted(), names.slice(0, 2).toSorted());
  });
});
