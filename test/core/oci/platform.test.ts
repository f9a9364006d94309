import { strict as assert } from 'node:assert';
import { isFailure } from '../../../core/failure.ts';
import {
  LINUX_AMD64,
  equalPlatforms,
  formatPlatform,
  parsePlatform,
  usualPlatform,
  type Platform,
  choosePlatform,
  listPlatforms,
} from '../../../core/oci/platform.ts';

describe('core/oci/platform: parsePlatform', () => {
  const valid: [text: string, platform: string][] = [
    ['linux/amd64', 'linux/amd64'],
    ['linux/arm64', 'linux/arm64'],
    ['linux/arm', 'linux/arm'],
    ['linux/arm/v5', 'linux/arm/v5'],
    ['linux/arm/v7', 'linux/arm/v7'],
    ['linux/arm/v8', 'linux/arm/v8'],
    ['linux/386', 'linux/386'],
    ['linux/ppc64le/power9', 'linux/ppc64le/power9'],
    ['linux/s390x', 'linux/s390x'],
    ['linux/riscv64', 'linux/riscv64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/v9', 'linux/arm64/v9'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/x86-64/v1', 'linux/amd64'],
    ['linux/x86_64/v2', 'linux/amd64/v2'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/aarch64/v8', 'linux/arm64'],
    ['linux/armv6l', 'linux/arm/v6'],
    ['linux/armv7l', 'linux/arm/v7'],
    ['linux/armv7l/v7', 'linux/arm/v7'],
    ['linux/i686', 'linux/386'],
    ['linux/loongarch64', 'linux/loong64'],
    [' Linux/ARM/V7\n', 'linux/arm/v7'],
    [`linux/arm/v${'7'.repeat(31)}`, `linux/arm/v${'7'.repeat(31)}`],
  ];
  for (const [text, platform] of valid) {
    it(`reads ${JSON.stringify(text)} as ${platform}`, () => {
      assert.equal(formatPlatform(parsePlatform(text)), platform);
    });
  }

  it('leaves the variant out where there is none', () => {
    assert.deepEqual(parsePlatform('linux/amd64/v1'), LINUX_AMD64);
    assert.deepEqual(parsePlatform('linux/arm/v7'), { os: 'linux', architecture: 'arm', variant: 'v7' });
  });

  /** `hint`: what it must hold. */
  const invalid: [text: string, hint: string][] = [
    ['', 'linux/amd64'],
    ['/', 'linux/amd64'],
    ['linux', 'linux/amd64'],
    ['linux/', 'amd64'],
    ['amd64', 'write linux/amd64'],
    ['arm64/v8', 'write linux/arm64/v8'],
    ['x86_64', 'write linux/x86_64'],
    ['amd64/linux', 'write linux/amd64'],
    ['arm64/\u001b', 'linux/amd64'],
    ['amd64/amd64/amd64/amd64', 'linux/amd64'],
    ['windows/amd64', 'linux/amd64'],
    ['darwin/arm64', 'linux/amd64'],
    ['/amd64', 'linux/amd64'],
    ['unknown/unknown', 'linux/amd64'],
    ['linux/amd64/v1/x', 'linux/amd64'],
    ['linux/amd64,linux/arm64', 'list of platforms'],
    ['linux/amd46', 'amd64'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/constructor', 'amd64'],
    ['linux/..', 'amd64'],
    ['linux/../..', 'amd64'],
    ['linux/amd64/..', 'variant'],
    ['linux/amd64/', 'variant'],
    ['linux/amd64/.v1', 'variant'],
    ['linux/amd64/-v1', 'variant'],
    ['linux/arm/v7:x', 'variant'],
    ['linux/arm/v7\0', 'variant'],
    ['linux/arm/v 7', 'list of platforms'],
    [`linux/arm/v${'7'.repeat(32)}`, 'variant'],
    ['linux/arm/7', 'write linux/arm/v7'],
    ['linux/armv7l/v6', 'linux/arm/v6'],
  ];
  for (const [text, hint] of invalid) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parsePlatform(text),
        (error) =>
          isFailure(error, 'platform-invalid') &&
          error.hint?.includes(hint) === true &&
          !/\p{Cc}/u.test(error.hint),
      );
    });
  }

  it('keeps secrets and control characters out of its messages', () => {
    for (const text of [
      'https://user:s3cret@quay.io/a',
      'user:s3cret@linux/arm64',
      'linux/arm/\u001b[31m',
      '\u001b/amd64',
    ]) {
      assert.throws(
        () => parsePlatform(text),
        (error: Error) => !/s3cret|\p{Cc}/u.test(error.message),
      );
    }
  });
});

describe('core/oci/platform: equalPlatforms', () => {
  const cases: [one: Platform, other: Platform, equal: boolean][] = [
    [LINUX_AMD64, { os: 'linux', architecture: 'x86_64', variant: 'v1' }, true],
    [LINUX_AMD64, { os: 'linux', architecture: 'amd64', variant: '' }, true],
    [LINUX_AMD64, { os: 'linux', architecture: 'amd64', variant: undefined }, true],
    [LINUX_AMD64, { os: 'linux', architecture: 'amd64', variant: 'v2' }, false],
    [LINUX_AMD64, { os: 'windows', architecture: 'amd64' }, false],
    [LINUX_AMD64, { os: 'linux', architecture: 'arm64' }, false],
    [{ os: 'linux', architecture: 'arm', variant: 'v8' }, { os: 'linux', architecture: 'arm' }, false],
    [{ os: 'linux', architecture: 'armv7l' }, { os: 'linux', architecture: 'arm', variant: 'v7' }, true],
  ];
  for (const [one, other, equal] of cases) {
    it(`finds ${formatPlatform(one)} ${equal ? 'equal to' : 'other than'} ${JSON.stringify(other)}`, () => {
      assert.equal(equalPlatforms(one, other), equal);
      assert.equal(equalPlatforms(other, one), equal);
    });
  }
});

describe('core/oci/platform: usualPlatform', () => {
  it('keeps what it does not know', () => {
    const foreign = { os: 'plan9', architecture: 'vax', variant: '11' };
    assert.deepEqual(usualPlatform(foreign), foreign);
  });
});

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

describe('core/oci/platform: registry/manifest/platform', () => {
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
