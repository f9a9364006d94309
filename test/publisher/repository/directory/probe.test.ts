import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { workingPaths } from '../../../../publisher/repository/directory/journal.ts';
import { mayShare, Probe } from '../../../../publisher/repository/directory/probe.ts';
import { isFailure } from '../../../../core/failure.ts';
import { storesAttributes } from '../../../support/cvmfs-server/system.ts';
import { withMount } from '../../../support/e2e/mounts.ts';
import { needsRoot, skip } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

describe('publisher/repository/directory/probe', () => {
  async function opened(root?: string) {
    const paths = workingPaths(root ?? (await temporaryDirectory('probe')), 'name');
    mkdirSync(paths.control, { recursive: true });
    return { paths, probe: new Probe(paths) };
  }

  it('finds what Linux allows on an ordinary file system', async () => {
    const { paths, probe } = await opened();
    assert.equal(probe.longestNameBytes, 255);
    assert.ok(probe.longestTargetBytes >= 1_000);
    assert.equal(probe.longestPathBytes, 4_095 - paths.staging.length - 1);
    assert.ok(probe.earliestTime <= -(2 ** 31) + 1 && probe.latestTime >= 2 ** 31 - 1);
    assert.equal(probe.takesAnyBytes, true);
    assert.equal(probe.largeFileBytes, Infinity);
    probe.assertTellsNamesApart();
    assert.equal(existsSync(paths.probe), false);
  });

  it('shares no file that is known before to be shared nowhere', async () => {
    const { probe } = await opened();
    const own = process.getuid?.() ?? 0;
    let shared = 0;
    for (const mode of [0o644, 0o755, 0o664, 0o666, 0o602, 0o4755, 0o2755, 0o1644])
      for (const uid of [0, own, own + 1]) {
        const attributes = { mode, uid, gid: 0, mtime: 0 };
        if (probe.sharesFiles(attributes)) shared++;
        assert.ok(mayShare(attributes) || !probe.sharesFiles(attributes), `${mode.toString(8)} of ${uid}`);
      }
    assert.ok(shared > 0);
  });

  it('finds out which attributes it may set', async function () {
    needsRoot(this);
    const { paths, probe } = await opened();
    if (!storesAttributes(Buffer.from(paths.control))) skip(this, 'on a file system without attributes');
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1');
    const values = new Map([
      ['user.x', '1'],
      ['trusted.overlay.opaque', 'y'],
      ['security.capability', capability],
    ]);
    assert.deepEqual(probe.lostXattrs(values), []);
    assert.deepEqual(probe.lostXattrs(new Map([['unknown.x', '1']])), ['unknown.x']);
    const many = Array.from({ length: 40 }, (_, index): [string, string] => [
      `user.${index}`,
      'x'.repeat(60_000),
    ]);
    const lost = probe.lostXattrs(new Map(many));
    assert.ok(!lost.includes('user.0') || lost.length === many.length, lost.join());
    assert.equal(existsSync(paths.probe), false);
  });

  it('finds nothing where nothing is allowed', async function () {
    needsRoot(this);
    const root = await temporaryDirectory('probe');
    await withMount(this, root, { type: 'ramfs', options: 'mode=755' }, async () => {
      const { probe } = await opened(root);
      assert.deepEqual(probe.lostXattrs(new Map([['user.x', '1']])), ['user.x']);
    });
  });

  it('does not use a file system that takes two names for one', async () => {
    const { paths, probe } = await opened();
    assert.throws(
      () => probe.assertTellsNamesApart([['same', 'same']]),
      (error) => isFailure(error, 'repository-unusable'),
    );
    assert.equal(existsSync(paths.probe), false);
  });
});
