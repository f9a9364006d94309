import assert from 'node:assert/strict';
import { CvmfsCapabilities } from '../../../../publisher/repository/cvmfs/capabilities.ts';

const REPOSITORY = {
  name: 'images.unpackd.test',
  mount: '/cvmfs/images.unpackd.test',
  published: '',
  transactionLock: '',
  writerLock: '',
  record: '',
  folders: [],
  smallestChunkBytes: 4_194_304,
  collectsGarbage: false,
};

describe('publisher/repository/cvmfs/capabilities', () => {
  const values = new Map([
    ['user.fits', 'x'.repeat(255)],
    ['user.empty', ''],
    ['user.long', 'x'.repeat(256)],
  ]);

  it('is no extended attribute where they are off', () => {
    const capabilities = new CvmfsCapabilities({ ...REPOSITORY, includesXattrs: false });
    assert.deepEqual(capabilities.lostXattrs(values), [...values.keys()]);
    assert.match(capabilities.xattrsReason, /^images\.unpackd\.test has no CVMFS_INCLUDE_XATTRS=true/);
  });

  it('are values of up to 255 bytes where they are on', () => {
    const capabilities = new CvmfsCapabilities({ ...REPOSITORY, includesXattrs: true });
    assert.deepEqual(capabilities.lostXattrs(values), ['user.long']);
  });

  it('are owners, devices and all names, up to the limits of Linux', () => {
    const capabilities = new CvmfsCapabilities({ ...REPOSITORY, includesXattrs: true });
    assert.equal(capabilities.takesOwner(), true);
    assert.deepEqual([capabilities.takesDevices, capabilities.takesAnyBytes], [true, true]);
    assert.deepEqual([capabilities.longestNameBytes, capabilities.longestTargetBytes], [255, 4_095]);
    assert.equal(capabilities.largeFileBytes, 2 ** 30);
    assert.equal(capabilities.longestPathBytes, 4_095 - '/cvmfs/images.unpackd.test/'.length);
  });
});
