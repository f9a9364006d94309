import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openReportFiles, writeReportFile } from '../../../daemon/checking/report-files.ts';
import { isFailure } from '../../../core/failure.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('daemon/checking/report-files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryDirectory('reports');
  });

  it('have the format that their ending tells', async () => {
    const files = await openReportFiles(['a.md', 'b.xml', 'c.json'].map((name) => join(folder, name)));
    assert.deepEqual(
      files.map(({ format }) => format),
      ['markdown', 'junit', 'json'],
    );
    await assert.rejects(openReportFiles([join(folder, 'a.txt')]), (error) =>
      isFailure(error, 'configuration-invalid'),
    );
  });

  it('are gone until they are written', async () => {
    const path = join(folder, 'a.md');
    await writeFile(path, 'all is fine');
    const [file] = await openReportFiles([path]);
    assert.ok(file !== undefined);
    assert.deepEqual(await readdir(folder), []);
    await writeReportFile(file, 'an error');
    assert.deepEqual([await readFile(path, 'utf8'), await readdir(folder)], ['an error', ['a.md']]);
  });

  it('take the place of links, also of those that come in between', async () => {
    const [path, victim] = [join(folder, 'a.md'), join(folder, 'victim')];
    await writeFile(victim, 'untouched');
    await symlink(victim, path);
    const [file] = await openReportFiles([path]);
    assert.ok(file !== undefined);
    await symlink(victim, path);
    await writeReportFile(file, 'an error');
    assert.ok((await lstat(path)).isFile());
    assert.deepEqual(
      [await readFile(path, 'utf8'), await readFile(victim, 'utf8')],
      ['an error', 'untouched'],
    );
  });

  it('cannot be folders, and leave nothing beside them', async () => {
    const path = join(folder, 'a.md');
    await mkdir(path);
    for (const work of [
      async () => await openReportFiles([path]),
      async () => await writeReportFile({ path, format: 'markdown' }, 'an error'),
    ])
      await assert.rejects(work, (error) => isFailure(error, 'configuration-invalid'));
    assert.deepEqual(await readdir(folder), ['a.md']);
  });
});
