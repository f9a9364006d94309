import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blobsFolder, spoolBytes, temporaryFolder } from '../../../publisher/spool/folders.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('the size of a spool', () => {
  it('is that of its blobs, and of those under way', async () => {
    const spool = await temporaryDirectory('spool-bytes');
    for (const folder of [blobsFolder(spool), temporaryFolder(spool)])
      await mkdir(folder, { recursive: true });
    await writeFile(join(blobsFolder(spool), 'aa'), 'four');
    await writeFile(join(blobsFolder(spool), 'bb'), 'three');
    await writeFile(join(temporaryFolder(spool), 'cc'), 'x');
    assert.equal(spoolBytes(spool), 10);
  });

  it('is nothing where there is none', async () => {
    assert.equal(spoolBytes(await temporaryDirectory('spool-bytes')), 0);
  });
});
