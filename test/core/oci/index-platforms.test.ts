import { strict as assert } from 'node:assert';
import {
  LINUX_AMD64,
  choosePlatform,
  formatPlatform,
  listPlatforms,
  type Platform,
} from '../../../core/oci/index-platforms.ts';

/** `os/architecture[/variant]`, `-` for an entry without platform. */
function platformOf(text: string): Platform | undefined {
  if (text === '-') return undefined;
  const [os = '', architecture = '', variant] = text.split('/');
  return { os, architecture, variant };
}

const CASES: readonly (readonly [entries: string, wanted: string, chosen: number | undefined])[] = [
  ['linux/amd64', 'linux/amd64', 0],
  ['linux/arm64 linux/amd64', 'linux/amd64', 1],
  ['windows/amd64 linux/amd64', 'linux/amd64', 1],
  ['windows/amd64 linux/arm64', 'linux/amd64', undefined],
  ['unknown/unknown linux/amd64 unknown/unknown', 'linux/amd64', 1],
  ['linux/amd64/v3 linux/amd64', 'linux/amd64', 1],
  ['linux/amd64/v3 linux/amd64/v1', 'linux/amd64', 1],
  ['linux/amd64/v3 linux/amd64/v2', 'linux/amd64', undefined],
  ['linux/arm/v6 linux/arm/v7', 'linux/arm', 0],
  ['linux/amd64 linux/amd64/v3', 'linux/amd64/v3', 1],
  ['linux/amd64', 'linux/amd64/v3', undefined],
  ['linux/amd64 linux/amd64', 'linux/amd64', 0],
  ['linux/x86_64', 'linux/amd64', 0],
  ['linux/amd64 linux/aarch64', 'linux/arm64', 1],
  ['linux/arm64', 'linux/arm64/v8', 0],
  ['linux/arm/v6 linux/arm/v7', 'linux/arm/v7', 1],
  ['- linux/amd64', 'linux/amd64', 1],
  ['-', 'linux/amd64', undefined],
];

describe('registry/manifest/platform', () => {
  for (const [entries, wanted, chosen] of CASES) {
    it(`chooses ${chosen ?? 'none'} of ${entries} for ${wanted}`, () => {
      const index = entries.split(' ').map((text, position) => ({ platform: platformOf(text), position }));
      assert.equal(choosePlatform(index, platformOf(wanted) ?? LINUX_AMD64)?.position, chosen);
    });
  }

  it('lists each platform once, and no attestations', () => {
    const entries = ['linux/arm/v7', 'unknown/unknown', '-', 'linux/amd64', 'linux/amd64'];
    const index = entries.map((text) => ({ platform: platformOf(text) }));
    assert.deepEqual(listPlatforms(index), ['linux/arm/v7', 'one without platform', 'linux/amd64']);
    assert.equal(formatPlatform(LINUX_AMD64), 'linux/amd64');
  });
});
