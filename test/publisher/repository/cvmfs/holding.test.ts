import assert from 'node:assert/strict';
import { CvmfsHolding } from '../../../../publisher/repository/cvmfs/holding.ts';

const REPOSITORY = {
  name: 'images.unpackd.test',
  mount: '/cvmfs/images.unpackd.test',
  published: '',
  transactionLock: '',
  writerLock: '',
  record: '',
  folders: [],
  smallestChunkBytes: 4_194_304,
};

describe('what a repository of CernVM-FS can hold', () => {
  const values = new Map([
    ['user.fits', 'x'.repeat(255)],
    ['user.empty', ''],
    ['user.long', 'x'.repeat(256)],
  ]);

  it('is no extended attribute where they are off', () => {
    const holding = new CvmfsHolding({ ...REPOSITORY, includesXattrs: false });
    assert.deepEqual(holding.lostXattrs(values), [...values.keys()]);
    assert.match(holding.xattrsReason, /^images\.unpackd\.test has no CVMFS_INCLUDE_XATTRS=true/);
  });

  it('are values of up to 255 bytes where they are on', () => {
    const holding = new CvmfsHolding({ ...REPOSITORY, includesXattrs: true });
    assert.deepEqual(holding.lostXattrs(values), ['user.long']);
  });

  it('are owners, devices and all names, up to the limits of Linux', () => {
    const holding = new CvmfsHolding({ ...REPOSITORY, includesXattrs: true });
    assert.equal(holding.takesOwner(), true);
    assert.deepEqual([holding.takesDevices, holding.takesAnyBytes], [true, true]);
    assert.deepEqual([holding.longestNameBytes, holding.longestTargetBytes], [255, 4_095]);
    assert.equal(holding.largeFileBytes, 2 ** 30);
    assert.equal(holding.longestPathBytes, 4_095 - '/cvmfs/images.unpackd.test/'.length);
  });
});
