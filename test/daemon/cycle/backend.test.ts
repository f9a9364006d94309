import assert from 'node:assert/strict';
import { newImageOf } from '../../../daemon/cycle/backend.ts';
import { LINUX_AMD64, type Platform } from '../../../core/oci/platform.ts';

describe('daemon/cycle/backend', () => {
  const platforms: [platform: Platform, name: string | undefined][] = [
    [LINUX_AMD64, 'linux/amd64'],
    [{ os: 'linux', architecture: 'aarch64', variant: 'v8' }, 'linux/arm64'],
    [{ os: 'linux', architecture: 'no', variant: 'thing at all' }, undefined],
    [{ os: 'linux', architecture: 'arm64', variant: 'a b' }, undefined],
  ];
  for (const [platform, name] of platforms) {
    it(`is ${name === undefined ? 'none' : `for ${name}`} where its folder says ${JSON.stringify(platform)}`, () => {
      const layers = [{ digest: 'sha256:a', sizeBytes: 5 }];
      const found = newImageOf({ publicName: 'a', platform, config: 'sha256:c', layers });
      assert.deepEqual([found?.platform, found?.layers], [name, name && [{ digest: 'sha256:a', bytes: 5 }]]);
    });
  }
});
