import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parsePlatform } from '../../../core/oci/platform.ts';
import type { WantedImage } from '../../../publisher/image/image.ts';
import { platformName } from '../../../publisher/image/layout.ts';
import type { MultiarchLinks } from '../../../publisher/outputs/public-links.ts';
import { removeNames } from '../../../publisher/removal/removal.ts';
import { restoreName } from '../../../publisher/removal/restore.ts';
import { NamesBench, PLACES, type Wish } from './names-bench.ts';

const ARM64 = 'linux/arm64';
const BOTH = ['linux/amd64', ARM64];
const OPTIONS = { nowMs: Date.UTC(2026, 0, 2), takesByHand: false };

interface Kind {
  readonly wish: Wish;
  readonly links?: MultiarchLinks;
  /** Platforms whose names go; linux/amd64 alone where nothing is said. */
  readonly platforms?: readonly string[];
  /** Patterns of the paths of names that go and stay, where `NAME` is the image's plain public name. */
  readonly gone: readonly string[];
  readonly stay?: readonly string[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  'a plain name': { wish: { repository: 'lab/tool' }, gone: ['NAME', '.metadata/NAME', 'OWN/lab'] },
  'a name in a subdirectory': {
    wish: { repository: 'lab/tool', subdirectory: 'physics/simulation' },
    gone: ['NAME', 'physics', '.metadata/physics'],
  },
  'a pinned image': { wish: { repository: 'lab/tool', isPinned: true, tag: '1' }, gone: ['NAME'] },
  'an image for another platform': {
    wish: { repository: 'lab/tool', platforms: [ARM64] },
    platforms: [ARM64],
    gone: ['.multiarch/arm64/NAME', '.metadata/.multiarch/arm64/NAME'],
    stay: ['.multiarch/arm64', '.multiarch/arm64/podmanStore/overlay-images/images.json'],
  },
  'one platform of two, without variant links': {
    wish: { repository: 'lab/tool', platforms: BOTH },
    platforms: [ARM64],
    gone: ['.multiarch/arm64/NAME', '.metadata/.multiarch/arm64/NAME'],
    stay: ['NAME', '.metadata/NAME'],
  },
  'one platform of a variant link': {
    wish: { repository: 'lab/tool', platforms: BOTH },
    links: 'auto',
    platforms: ['linux/amd64'],
    gone: ['.multiarch/amd64/NAME', '.metadata/NAME'],
    stay: ['NAME', '.multiarch/arm64/NAME', '.multiarch/aarch64', '.multiarch/x86_64'],
  },
  'all platforms of a variant link': {
    wish: { repository: 'lab/tool', platforms: BOTH },
    links: 'auto',
    platforms: BOTH,
    gone: ['NAME', '.multiarch/amd64/NAME', '.multiarch/arm64/NAME', '.metadata/NAME', 'OWN/lab'],
    stay: ['.multiarch/aarch64', '.multiarch/x86_64', '.multiarch/amd64'],
  },
  'an image without a flat tree': {
    wish: { repository: 'lab/tool', outputs: ['layers', 'podman'] },
    gone: ['.metadata/NAME'],
  },
  'an image without podman': {
    wish: { repository: 'lab/tool', outputs: ['layers', 'chains', 'flat'] },
    gone: ['NAME', '.metadata/NAME'],
  },
};

for (const [where, make] of Object.entries(PLACES)) {
  describe(`publisher/removal/removal: names in ${where}`, () => {
    let bench: NamesBench;

    beforeEach(async () => {
      bench = await NamesBench.make(await make());
      await bench.push('lab/tool', '1', 'one');
      await bench.push('other/tool', '1', 'other');
      await bench.publish([bench.wanted({ repository: 'other/tool' })]);
    });
    afterEach(async () => {
      assert.deepEqual(bench.place.problems(), []);
      await bench.close();
    });

    const at = (path: string): string => join(bench.place.folder(), path);
    const isThere = (path: string): boolean => lstatSync(at(path), { throwIfNoEntry: false }) !== undefined;

    /** Paths, link targets, and contents of all that is no tree and no seal. */
    function lines(path = ''): string[] {
      return readdirSync(at(path), { withFileTypes: true }).flatMap((entry) => {
        const below = path === '' ? entry.name : `${path}/${entry.name}`;
        if (['.layers', '.chains', '.flat', 'publications', 'latest', 'removed'].includes(entry.name))
          return [];
        if (entry.isSymbolicLink()) return [`${below} -> ${readlinkSync(at(below))}`];
        if (entry.isFile()) return [`${below} = ${readFileSync(at(below), 'latin1')}`];
        return [`${below}/`, ...lines(below)];
      });
    }

    function namesOf(wanted: WantedImage, platforms: readonly string[] = ['linux/amd64']): string[] {
      return platforms.map((platform) => platformName(parsePlatform(platform), wanted.publicName));
    }

    /** Every public name leads to a tree. */
    function assertNothingDangles(): void {
      for (const path of lines().flatMap((line) => /^(\S+) -> (?!.*\$\()\S*\.flat\//.exec(line)?.[1] ?? []))
        assert.ok(existsSync(at(path)), `${path} leads nowhere`);
    }

    for (const [what, { wish, links, platforms, gone, stay = [] }] of Object.entries(KINDS)) {
      // Nobody expands variables in the targets of links there.
      if (links !== undefined && where === 'a directory') continue;
      it(`takes back and restores ${what}`, async () => {
        const wanted = bench.wanted(wish);
        await bench.publish([wanted], links);
        const before = lines();
        const path = (pattern: string): string =>
          pattern.replace('NAME', wanted.publicName).replace('OWN', wanted.reference.registry);
        for (const one of [...gone, ...stay].map(path)) assert.ok(isThere(one), one);
        const publisher = bench.publisher(links);
        const names = namesOf(wanted, platforms);

        const all = names.map((name) => ({ name, reason: 'nobody asks for it' }));
        const report = await removeNames(publisher, all, OPTIONS);

        assert.deepEqual([report.removed, [...report.kept]], [names, []]);
        for (const one of gone.map(path)) assert.ok(!isThere(one), `${one} is there`);
        for (const one of stay.map(path)) assert.ok(isThere(one), `${one} is gone`);
        assertNothingDangles();
        const after = lines();
        const others = `${wanted.reference.registry}/other/tool:1`;
        assert.deepEqual(
          after.filter((line) => line.startsWith(others)),
          before.filter((line) => line.startsWith(others)),
        );
        const stored = podmanNames(after);
        for (const name of names) assert.ok(!stored.includes(name.replace('physics/simulation/', '')), name);
        for (const name of names) {
          assert.equal(await restoreName(publisher, name, { isAskedFor: true }), 'restored');
          assert.equal(await restoreName(publisher, name, { isAskedFor: true }), 'published');
        }
        assertNothingDangles();
        assert.deepEqual(lines().map(withoutLists).sort(), before.map(withoutLists).sort());
        assert.deepEqual(podmanNames(lines()), podmanNames(before));
        // Nothing is missing that a wish would have published.
        const publications = bench.events.filter(({ type }) => type === 'publication-finished').length;
        await bench.publish([wanted], links);
        const later = bench.events.filter(({ type }) => type === 'publication-finished').length;
        assert.equal(later, publications);
      });
    }
  });
}

/** Names of images that stores list with a tag, each with its platform's folder in front. */
function podmanNames(all: readonly string[]): string[] {
  return all.flatMap((line) => {
    const [, platform, text = '[]'] =
      /^(.*)podmanStore\/overlay-images\/images\.json = (.*)$/s.exec(line) ?? [];
    const images = JSON.parse(text) as { readonly names: readonly string[] }[];
    const names = images.flatMap((one) => one.names).filter((name) => !name.includes('@'));
    return names.map((name) => `${platform ?? ''}${name}`);
  });
}

/** The lists of stores keep traces of what was removed, and so do their locks. */
function withoutLists(line: string): string {
  return /^\S*podmanStore\/overlay-images\/images\.(?:json|lock) = /.exec(line)?.[0] ?? line;
}
