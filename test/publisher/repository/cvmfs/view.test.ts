import assert from 'node:assert/strict';
import { CvmfsView } from '../../../../publisher/repository/cvmfs/view.ts';
import { setAttribute, storesAttributes } from '../../../support/cvmfs-server/system.ts';
import { skip } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

describe('publisher/repository/cvmfs/view', () => {
  let published: string;
  let view: CvmfsView;
  beforeEach(async () => {
    published = await temporaryDirectory('published');
    view = new CvmfsView({ published, smallestChunkBytes: 4 * 1024 * 1024 });
  });

  function say(name: string, value: string): void {
    setAttribute(Buffer.from(published), name, Buffer.from(value));
  }

  it('counts files in chunks once for each revision', async function () {
    if (!storesAttributes(Buffer.from(published))) skip(this, 'on a file system without attributes');
    say('user.revision', '7');
    say('user.repo_counters', 'regular,5\nchunked,0\n');
    assert.deepEqual([view.revision(), await view.mayHoldUnlinkable('')], [7, false]);
    say('user.repo_counters', 'regular,5\nchunked,3\n');
    assert.equal(await view.mayHoldUnlinkable(''), false);
    say('user.revision', '8');
    assert.deepEqual([view.revision(), await view.mayHoldUnlinkable('')], [8, true]);
  });

  it('counts them each time where the revision is not told', async function () {
    if (!storesAttributes(Buffer.from(published))) skip(this, 'on a file system without attributes');
    say('user.repo_counters', 'chunked,0\n');
    assert.deepEqual([view.revision(), await view.mayHoldUnlinkable('')], [undefined, false]);
    say('user.repo_counters', 'chunked,1\n');
    assert.equal(await view.mayHoldUnlinkable(''), true);
  });
});
