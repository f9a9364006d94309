import assert from 'node:assert/strict';
import type { ResolvedImage } from '../../../publisher/image/image.ts';
import { flatPath, platformName, multiarchName, platformFolder } from '../../../publisher/image/layout.ts';
import {
  variantTarget,
  aliasLinks,
  isLinked,
  publicLinks,
  ALIASES,
} from '../../../publisher/outputs/public-links.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { parsePlatform, usualPlatform } from '../../../core/oci/platform.ts';
import { clientPath } from '../../support/trees/client-path.ts';
import { isVariantTarget } from '../../../publisher/image/layout.ts';
import { MemoryRepository } from '../compose/memory-repository.ts';

const NAME = 'folder/reg.example/team/app:1';
const AMD64 = 'linux/amd64';
const ARM64 = 'linux/arm64';
const CONFIGS: Readonly<Record<string, Digest>> = {
  [AMD64]: `sha256:${'a'.repeat(64)}`,
  [ARM64]: `sha256:${'b'.repeat(64)}`,
};

type Linked = Parameters<typeof publicLinks>[1];

function imageFor(platform: string, hasVariantLink: boolean, config = CONFIGS[platform]): Linked {
  const manifest = {
    config: { digest: config },
    skipped: [] as readonly number[],
  } as unknown as ResolvedImage['manifest'];
  const parsed = parsePlatform(platform);
  return { platform: parsed, publicName: platformName(parsed, NAME), hasVariantLink, manifest };
}

/** What users do one after the other: an image is published for a platform, with the links on or off. */
type Step = readonly [platform: string, hasVariantLink: boolean];

async function publish(repository: MemoryRepository, image: Linked): Promise<string[]> {
  const links = await publicLinks(repository, image);
  for (const { path, target } of links) repository.put(path, 'symlink', target);
  return links.map(({ path }) => path);
}

async function after(...steps: readonly Step[]): Promise<MemoryRepository> {
  const repository = new MemoryRepository();
  for (const [platform, isOn] of steps) await publish(repository, imageFor(platform, isOn));
  return repository;
}

async function seenAs(repository: MemoryRepository, architecture?: string): Promise<string> {
  const variables = architecture === undefined ? {} : { CVMFS_ARCH: architecture };
  return await clientPath(NAME, variables, async (path) => await repository.readLink(path));
}

function flatOf(platform: string): string {
  const config = CONFIGS[platform];
  assert.ok(config !== undefined);
  return flatPath(config);
}

describe('publisher/outputs/public-links: public links', () => {
  const FURTHER = `.multiarch/amd64/${NAME}`;
  const cases: readonly (readonly [what: string, before: Step[], step: Step, paths: string[]])[] = [
    ['linux/amd64 alone', [], [AMD64, false], [NAME]],
    ['linux/amd64 for each', [], [AMD64, true], [FURTHER, NAME]],
    ['another platform alone', [], [ARM64, false], [`.multiarch/arm64/${NAME}`]],
    ['another platform for each, first', [], [ARM64, true], [`.multiarch/arm64/${NAME}`, NAME]],
    ['another platform, after linux/amd64', [[AMD64, true]], [ARM64, true], [`.multiarch/arm64/${NAME}`]],
    [
      'another platform, while linux/amd64 has the plain name',
      [[AMD64, false]],
      [ARM64, true],
      [`.multiarch/arm64/${NAME}`],
    ],
    ['linux/amd64 alone, where the longer name is in use', [[AMD64, true]], [AMD64, false], [FURTHER, NAME]],
  ];
  for (const [what, before, [platform, isOn], expected] of cases) {
    it(`of ${what} are at ${expected.join(' and ')}`, async () => {
      const repository = await after(...before);
      assert.deepEqual(await publish(repository, imageFor(platform, isOn)), expected);
    });
  }

  it('lead each client to the tree for its architecture', async () => {
    const repository = await after([AMD64, true], [ARM64, true]);
    assert.equal(await seenAs(repository), flatOf(AMD64));
    assert.equal(await seenAs(repository, 'amd64'), flatOf(AMD64));
    assert.equal(await seenAs(repository, 'arm64'), flatOf(ARM64));
  });

  it('lead all to linux/amd64 when they are switched off again', async () => {
    const repository = await after([AMD64, true], [ARM64, true], [AMD64, false], [ARM64, false]);
    for (const architecture of [undefined, 'amd64', 'arm64'])
      assert.equal(await seenAs(repository, architecture), flatOf(AMD64));
  });

  it('never take the tree for linux/amd64 from a client, in whatever order images come', async () => {
    const steps: Step[] = [AMD64, ARM64].flatMap((platform) => [
      [platform, true] as const,
      [platform, false] as const,
    ]);
    for (const first of steps)
      for (const second of steps)
        for (const third of steps) {
          const order = [first, second, third];
          const repository = await after(...order);
          const isThere = order.some(([platform]) => platform === AMD64);
          const leadsThere = (await seenAs(repository, 'amd64')) === flatOf(AMD64);
          assert.equal(leadsThere, isThere, JSON.stringify(order));
          const [platform, isOn] = third;
          assert.ok(await isLinked(repository, imageFor(platform, isOn)), JSON.stringify(order));
        }
  });

  it('do not lead to an old image, by the longer name either', async () => {
    const repository = await after([AMD64, true]);
    await publish(repository, imageFor(AMD64, false, CONFIGS[ARM64]));
    for (const path of [NAME, FURTHER])
      assert.equal(await clientPath(path, {}, async (at) => await repository.readLink(at)), flatOf(ARM64));
  });

  describe('are there', () => {
    const states: readonly (readonly [what: string, before: Step[], image: Step, expected: boolean])[] = [
      ['nothing is published', [], [AMD64, false], false],
      ['a plain link is wanted and there', [[AMD64, false]], [AMD64, false], true],
      ['variant links are wanted, and a plain one is there', [[AMD64, false]], [AMD64, true], false],
      ['a plain link is wanted, and a variant one is there', [[AMD64, true]], [AMD64, false], false],
      ['variant links are wanted and there', [[AMD64, true]], [AMD64, true], true],
      ['only the variant link is there', [[ARM64, true]], [AMD64, true], false],
      ['another platform wants the plain name, and it is missing', [[ARM64, false]], [ARM64, true], false],
      [
        'another platform wants the plain name, and linux/amd64 has it',
        [
          [ARM64, false],
          [AMD64, false],
        ],
        [ARM64, true],
        true,
      ],
    ];
    for (const [what, before, [platform, isOn], expected] of states) {
      it(`where ${what}: ${expected}`, async () => {
        assert.equal(await isLinked(await after(...before), imageFor(platform, isOn)), expected);
      });
    }

    it('as a client of the repository shows them: with its own architecture in their targets', async () => {
      const repository = await after([AMD64, true]);
      repository.put(NAME, 'symlink', variantTarget(NAME).replace('$(CVMFS_ARCH:-amd64)', 'x86_64'));
      assert.equal(await isLinked(repository, imageFor(AMD64, true)), true);
      assert.equal(await isLinked(repository, imageFor(AMD64, false)), false);
    });

    it('where somebody has put a folder in their place, which stays', async () => {
      const repository = new MemoryRepository();
      repository.put(NAME, 'directory');
      for (const isOn of [true, false]) assert.equal(await isLinked(repository, imageFor(AMD64, isOn)), true);
    });
  });
});

describe('publisher/outputs/public-links: links of further names of architectures', () => {
  async function links(repository: MemoryRepository, ...brought: string[]): Promise<string[]> {
    const found = await aliasLinks(
      repository,
      brought.map((name) => `.multiarch/${name}`),
    );
    return found.map(({ path, target }) => `${path} -> ${target}`);
  }

  it('lead to the folders that are there, or come', async () => {
    const repository = new MemoryRepository();
    repository.put('.multiarch/arm:v7/reg.example', 'directory');
    assert.deepEqual(await links(repository, 'amd64', 'arm64'), [
      '.multiarch/x86_64 -> amd64',
      '.multiarch/x86-64 -> amd64',
      '.multiarch/aarch64 -> arm64',
      '.multiarch/arm64:v8 -> arm64',
      '.multiarch/armv7l -> arm:v7',
      '.multiarch/armhf -> arm:v7',
    ]);
  });

  it('are made once', async () => {
    const repository = new MemoryRepository();
    repository.put('.multiarch/x86_64', 'symlink', 'amd64');
    repository.put('.multiarch/x86-64', 'symlink', 'amd64');
    assert.deepEqual(await links(repository, 'amd64'), []);
  });

  it('prefer the folder that they are for, and leave what is a folder itself', async () => {
    const repository = new MemoryRepository();
    repository.put('.multiarch/arm64:v8', 'directory');
    assert.deepEqual(await links(repository), ['.multiarch/aarch64 -> arm64:v8']);
    repository.put('.multiarch/aarch64', 'symlink', 'arm64:v8');
    assert.deepEqual(await links(repository, 'arm64'), ['.multiarch/aarch64 -> arm64']);
    repository.put('.multiarch/aarch64', 'directory');
    assert.deepEqual(await links(repository, 'arm64'), []);
    repository.remove('.multiarch/aarch64');
    repository.put('.multiarch/aarch64', 'file');
    assert.deepEqual(await links(repository, 'arm64'), []);
  });
});

const NAMES = [
  'reg.example/app:1',
  'docker.io/library/debian:12',
  'atlas/releases/reg.example:5000/a/b/c/app:1',
  `reg.example/team/app@sha256:${'a'.repeat(64)}`,
];

describe('publisher/outputs/public-links: variant links', () => {
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

describe('publisher/outputs/public-links: names below .multiarch', () => {
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
