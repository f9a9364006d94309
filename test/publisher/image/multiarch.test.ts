import assert from 'node:assert/strict';
import { platformName } from '../../../publisher/image/layout.ts';
import {
  ALIASES,
  isVariantTarget,
  multiarchName,
  platformFolder,
  variantTarget,
} from '../../../publisher/image/multiarch.ts';
import { parsePlatform, usualPlatform } from '../../../core/oci/platform.ts';
import { clientPath } from '../../support/trees/client-path.ts';

const NAMES = [
  'reg.example/app:1',
  'docker.io/library/debian:12',
  'atlas/releases/reg.example:5000/a/b/c/app:1',
  `reg.example/team/app@sha256:${'a'.repeat(64)}`,
];

describe('variant links', () => {
  it('are written as DUCC writes them', () => {
    assert.equal(
      variantTarget('docker.io/user/myimage:latest'),
      '../../.multiarch/$(CVMFS_ARCH:-amd64)/docker.io/user/myimage:latest',
    );
  });

  for (const name of NAMES) {
    it(`lead from ${name} to the folder of the client's architecture`, async () => {
      const targetOf = async (path: string) => (path === name ? variantTarget(name) : undefined);
      for (const [variables, folder] of [
        [{}, 'amd64'],
        [{ CVMFS_ARCH: 'arm64' }, 'arm64'],
        [{ CVMFS_ARCH: 'x86_64' }, 'x86_64'],
      ] as const)
        assert.equal(await clientPath(name, variables, targetOf), `.multiarch/${folder}/${name}`);
    });
  }

  for (const [target, expected] of [
    [variantTarget('reg.example/app:1'), true],
    ['../../.multiarch/x86_64/reg.example/app:1', true],
    ['.multiarch/arm64/app', true],
    ['../.flat/ab/abc', false],
    ['../../../.flat/ab/abc', false],
    ['../x/.multiarch/amd64', false],
    ['', false],
  ] as const) {
    it(`${expected ? 'have' : 'do not have'} the target ${JSON.stringify(target)}`, () => {
      assert.equal(isVariantTarget(target), expected);
    });
  }
});

/** What Debian calls its ports is no architecture that anybody could ask for. */
const DEBIAN: ReadonlySet<string> = new Set(['armel', 'armhf']);

describe('names below .multiarch', () => {
  it('are those of platforms, and of linux/amd64 too', () => {
    const name = 'reg.example/app:1';
    assert.equal(multiarchName(parsePlatform('linux/amd64'), name), `.multiarch/amd64/${name}`);
    for (const platform of ['linux/arm64', 'linux/arm/v7', 'linux/amd64/v3'])
      assert.equal(multiarchName(parsePlatform(platform), name), platformName(parsePlatform(platform), name));
  });

  it('are the same for all names that an architecture has', () => {
    for (const [alias, [folder]] of ALIASES) {
      if (DEBIAN.has(alias)) continue;
      const [architecture = '', variant] = alias.split(':');
      assert.equal(
        platformFolder(usualPlatform({ os: 'linux', architecture, variant })),
        `.multiarch/${folder}`,
        alias,
      );
    }
  });

  it('never hide the folder of a platform', () => {
    for (const alias of ALIASES.keys()) {
      if (DEBIAN.has(alias)) continue;
      const [architecture = '', variant] = alias.split(':');
      const folder = platformFolder(usualPlatform({ os: 'linux', architecture, variant }));
      assert.notEqual(folder, `.multiarch/${alias}`);
    }
  });
});
