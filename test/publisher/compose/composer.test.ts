import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  chainIds,
  chainPath,
  flatPath,
  layerPath,
  layerRoot,
  recordPath,
} from '../../../publisher/image/layout.ts';
import { ownFolders } from '../../../core/outputs.ts';
import { MARKS_PATH } from '../../../publisher/published/marks.ts';
import { clientPath } from '../../support/trees/client-path.ts';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import {
  device,
  directory,
  file,
  hardLink,
  opaque,
  symlink,
  whiteout,
} from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import type { OutputName } from '../../../core/outputs.ts';
import { OWN, Workshop, streamBelow } from './workshop.ts';

/** Components of the longest path that a member may have. */
const MOST_COMPONENTS = 500;

describe('publisher/compose/composer', () => {
  let workshop: Workshop;
  let base: Layer;
  let top: Layer;
  beforeEach(async () => {
    workshop = await Workshop.open();
    base = await workshop.layer(
      directory('d'),
      file('d/a', 'base a'),
      file('d/b', 'base b'),
      symlink('s', 'd'),
    );
    top = await workshop.layer(
      whiteout('d/a'),
      directory('e'),
      opaque('e'),
      file('e/c', 'top c'),
      hardLink('d/h', 'e/c'),
    );
  });

  describe('an image on an empty repository', () => {
    it('brings each layer by itself, with its deletions as devices', async () => {
      const image = await workshop.image('reg.example/app:1', [base, top]);
      const { stream, layers } = await workshop.publish([image]);
      assert.deepEqual(layers, [hexOf(base.digest), hexOf(top.digest)]);
      assert.deepEqual(streamBelow(stream, layerRoot(base.digest)), [
        'd/',
        's -> d',
        'd/a = base a',
        'd/b = base b',
      ]);
      const root = layerRoot(top.digest);
      assert.deepEqual(streamBelow(stream, root), [
        'd/',
        'd/a character-device 0:0',
        'e/',
        'd/h = top c',
        `e/c == ${root}/d/h`,
      ]);
    });

    it('links chains and the flat tree to the layers', async () => {
      const image = await workshop.image('reg.example/app:1', [base, top]);
      const { stream } = await workshop.publish([image]);
      const [lower, upper] = chainIds([base.digest, top.digest]);
      assert.ok(lower !== undefined && upper !== undefined);
      const ofBase = layerRoot(base.digest);
      const ofTop = layerRoot(top.digest);
      assert.deepEqual(streamBelow(stream, chainPath(lower)), [
        '.cvmfscatalog = ',
        'd/',
        `d/a == ${ofBase}/d/a`,
        `d/b == ${ofBase}/d/b`,
        's -> d',
      ]);
      const merged = [
        '.cvmfscatalog = ',
        'd/',
        `d/b == ${ofBase}/d/b`,
        `d/h == ${ofTop}/d/h`,
        's -> d',
        'e/',
        `e/c == ${ofTop}/d/h`,
      ];
      assert.deepEqual(streamBelow(stream, chainPath(upper)), merged);
      const flat = streamBelow(stream, flatPath(image.manifest.config.digest));
      for (const line of merged) assert.ok(flat.includes(line), line);
      assert.ok(flat.includes('.singularity.d/'));
    });

    it('marks each layer, chain and flat tree as a catalog, and nothing else', async () => {
      const image = await workshop.image('reg.example/app:1', [base, top]);
      const { stream } = await workshop.publish([image]);
      const folders = stream.entries
        .filter(({ path }) => path.endsWith('/.cvmfscatalog'))
        .map(({ path, text, entry }) => {
          assert.equal(entry.type === 'file' && entry.attributes.mode, 0o644);
          assert.equal(text, '');
          return path.slice(0, -'/.cvmfscatalog'.length);
        });
      assert.deepEqual(folders, [
        layerPath(base.digest),
        layerPath(top.digest),
        ...chainIds([base.digest, top.digest]).map(chainPath),
        flatPath(image.manifest.config.digest),
      ]);
    });

    it('says of each layer what podman asks for, and which images use it', async () => {
      const image = await workshop.image('reg.example/app:1', [base, top], {
        created: '2024-05-06T07:08:09Z',
      });
      await workshop.publish([image]);
      assert.deepEqual(jsonAt(`${layerPath(top.digest)}/.metadata/layers.json`), [
        {
          id: hexOf(top.diffId),
          created: '1970-01-01T00:00:00Z',
          'compressed-diff-digest': top.digest,
          'compressed-size': top.size,
          'diff-digest': top.diffId,
          'diff-size': top.size,
        },
      ]);
      for (const { digest } of [base, top]) {
        const origin = { origin: [image.manifest.config.digest] };
        assert.deepEqual(jsonAt(`${layerPath(digest)}/.metadata/origin.json`), origin);
      }
    });

    it('records each tree, keeps the manifest byte for byte, and names the flat tree last', async () => {
      const image = await workshop.image('reg.example:5000/team/app:1', [base, top]);
      const { stream } = await workshop.publish([image]);
      const config = image.manifest.config.digest;
      const names = stream.entries.filter(({ isName, kind }) => isName && kind !== 'directory');
      assert.deepEqual(
        names.map(({ path }) => path),
        [
          `${layerPath(base.digest)}/.metadata/origin.json`,
          `${layerPath(top.digest)}/.metadata/origin.json`,
          recordPath('layers', hexOf(base.digest)),
          recordPath('layers', hexOf(top.digest)),
          ...chainIds([base.digest, top.digest]).map((chain) => recordPath('chains', hexOf(chain))),
          recordPath('flat', hexOf(config)),
          '.metadata/reg.example:5000/team/app:1/manifest.json',
          'reg.example:5000/team/app:1',
        ],
      );
      const manifest = workshop.repository.textOf('.metadata/reg.example:5000/team/app:1/manifest.json');
      assert.equal(manifest, image.manifest.bytes.toString('latin1'));
      assert.equal(workshop.repository.textOf('reg.example:5000/team/app:1'), `../../${flatPath(config)}`);
    });

    it('gives what is ours to the repository, and what is the image’s as the image has it', async () => {
      const layer = await workshop.layer(
        directory('./', { mode: 0o711, uid: 1, mtime: 2 }),
        file('f', 'x', { mode: 0o4755, uid: 3, gid: 4, mtime: 5.5 }),
        symlink('s', 'f', { uid: 6, mtime: -7 }),
        device('n', 'block-device', [8, 1], { mode: 0o660, gid: 8, mtime: 9 }),
      );
      const image = await workshop.image('reg.example/app:1', [layer]);
      const { stream } = await workshop.publish([image]);
      const root = layerRoot(layer.digest);
      const expected: [path: string, attributes: object][] = [
        [root, { mode: 0o711, uid: 1, gid: 0, mtime: 2 }],
        [`${root}/f`, { mode: 0o4755, uid: 3, gid: 4, mtime: 5.5 }],
        [`${root}/s`, { mode: 0o777, uid: 6, gid: 0, mtime: -7 }],
        [`${root}/n`, { mode: 0o660, uid: 0, gid: 8, mtime: 9 }],
        ['.layers', { ...OWN, mode: 0o755 }],
        [layerPath(layer.digest), { ...OWN, mode: 0o755 }],
        [`${layerPath(layer.digest)}/.metadata`, { ...OWN, mode: 0o755 }],
        [`${layerPath(layer.digest)}/.metadata/layers.json`, { ...OWN, mode: 0o644 }],
        [`${layerPath(layer.digest)}/.metadata/origin.json`, { ...OWN, mode: 0o644 }],
        [recordPath('layers', hexOf(layer.digest)), { ...OWN, mode: 0o644 }],
        ['reg.example', { ...OWN, mode: 0o755 }],
        ['reg.example/app:1', { ...OWN, mode: 0o777 }],
      ];
      for (const [path, attributes] of expected) {
        const found = stream.entries.find((entry) => entry.path === path)?.entry;
        assert.ok(found !== undefined && 'attributes' in found, path);
        assert.deepEqual(found.attributes, attributes, path);
      }
    });
  });

  describe('images of a repository with marks', () => {
    const mark = { since: '2026-11-01T00:00:00.000Z', revision: 3 };
    const marksOf = (names: readonly string[]): object => ({
      format: 1,
      at: '2026-11-02T00:00:00.000Z',
      revision: 4,
      trees: Object.fromEntries(names.map((name) => [name, mark])),
    });

    it('take away the marks of all that they refer to, also where that is published, with it', async () => {
      const image = await workshop.image('reg.example/app:1', [base, top]);
      await workshop.publish([image], { outputs: new Set(['layers']) });
      const others = [`layers/${'0'.repeat(64)}`, `toy:x/${'1'.repeat(64)}`];
      const own = [`layers/${hexOf(base.digest)}`, `flat/${hexOf(image.manifest.config.digest)}`];
      workshop.repository.put(MARKS_PATH, 'file', JSON.stringify(marksOf([...own, ...others])));
      const { stream } = await workshop.publish([{ ...image, publicName: 'reg.example/app:2' }], {
        outputs: new Set(['layers']),
      });
      assert.deepEqual(jsonAt(MARKS_PATH), marksOf(others));
      assert.ok(stream.entries.some(({ path }) => path === MARKS_PATH));
    });

    it('leave marks of others as they are', async () => {
      workshop.repository.put(MARKS_PATH, 'file', JSON.stringify(marksOf([`layers/${'0'.repeat(64)}`])));
      const { stream } = await workshop.publish([await workshop.image('reg.example/app:1', [base])]);
      assert.ok(!stream.entries.some(({ path }) => path === MARKS_PATH));
    });
  });

  describe('images of one batch', () => {
    it('share layers, and chains as far as they go', async () => {
      const other = await workshop.layer(file('other', 'x'));
      const first = await workshop.image('reg.example/first:1', [base, top]);
      const second = await workshop.image('reg.example/second:1', [base, other]);
      const { stream, layers } = await workshop.publish([first, second]);
      assert.deepEqual(
        layers,
        [base, top, other].map(({ digest }) => hexOf(digest)),
      );
      assert.equal(filesBelow(stream.entries, '.chains').length, 3);
      assert.deepEqual(jsonAt(`${layerPath(base.digest)}/.metadata/origin.json`), {
        origin: [first.manifest.config.digest, second.manifest.config.digest],
      });
      assert.deepEqual(jsonAt(`${layerPath(other.digest)}/.metadata/origin.json`), {
        origin: [second.manifest.config.digest],
      });
    });

    it('with one config have one flat tree, and two names', async () => {
      const first = await workshop.image('reg.example/app:1', [base]);
      const second = { ...first, publicName: 'reg.example/app:latest' };
      const { stream } = await workshop.publish([first, second]);
      assert.equal(filesBelow(stream.entries, '.flat').length, 1);
      for (const { publicName } of [first, second]) {
        assert.equal(workshop.repository.textOf(publicName), `../${flatPath(first.manifest.config.digest)}`);
        assert.ok(workshop.repository.textOf(`.metadata/${publicName}/manifest.json`));
      }
    });

    it('for several platforms have one name that leads to each, and further names for its architectures', async () => {
      const parts = { hasVariantLink: true };
      const amd64 = { ...(await workshop.image('reg.example/app:1', [base])), ...parts };
      const arm64 = {
        ...(await workshop.image('reg.example/app:1', [top])),
        ...parts,
        platform: { os: 'linux', architecture: 'arm64' },
        publicName: '.multiarch/arm64/reg.example/app:1',
      };
      const { stream } = await workshop.publish([arm64, amd64]);
      const { repository } = workshop;
      const targetOf = async (path: string) => await repository.readLink(path);
      for (const [architecture, image] of [
        ['x86_64', amd64],
        ['amd64', amd64],
        ['aarch64', arm64],
        ['arm64', arm64],
      ] as const)
        assert.equal(
          await clientPath('reg.example/app:1', { CVMFS_ARCH: architecture }, targetOf),
          flatPath(image.manifest.config.digest),
        );
      assert.equal(stream.entries.at(-1)?.path, '.multiarch/amd64/reg.example/app:1');
      const again = await workshop.publish([{ ...amd64, hasVariantLink: false }]);
      assert.equal(filesBelow(again.stream.entries, '.flat').length, 0);
      assert.equal(repository.textOf('reg.example/app:1'), `../${flatPath(amd64.manifest.config.digest)}`);
    });

    it('with one config and layers that are compressed differently have all these layers', async () => {
      const { diffId } = base;
      const bytes = gzipSync('bytes' in base ? base.bytes : '');
      const squeezed = { ...base, bytes, digest: digestOf(bytes) };
      assert.equal(squeezed.diffId, diffId);
      const first = await workshop.image('reg.example/app:1', [base]);
      const second = await workshop.image('reg.example/app:2', [squeezed]);
      assert.equal(first.manifest.config.digest, second.manifest.config.digest);
      const { layers, stream } = await workshop.publish([first, second]);
      assert.equal(layers.length, 2);
      assert.equal(filesBelow(stream.entries, '.flat').length, 1);
      assert.equal(filesBelow(stream.entries, '.chains').length, 2);
    });

    it('of which one fails lose that one alone', async () => {
      const broken = await workshop.layer(hardLink('h', 'nowhere'));
      const refused = await workshop.layer(symlink('s', 's'), file('s/x'));
      const images = [
        await workshop.image('reg.example/broken:1', [base, broken]),
        await workshop.image('reg.example/good:1', [base]),
        await workshop.image('reg.example/refused:1', [refused]),
      ];
      const { outcomes, layers, stream } = await workshop.publish(images);
      assert.deepEqual(outcomes, ['layer-corrupt', 'added', 'layer-refused']);
      assert.deepEqual(layers, [hexOf(base.digest)]);
      assert.ok(!stream.entries.some(({ path }) => path.includes('broken') || path.includes('refused')));
    });
  });

  describe('an image', () => {
    it('without layers has a flat tree of start-up files', async () => {
      const image = await workshop.image('reg.example/empty:1', []);
      const { stream, layers } = await workshop.publish([image]);
      assert.deepEqual(layers, []);
      assert.ok(streamBelow(stream, flatPath(image.manifest.config.digest)).includes('.singularity.d/'));
      assert.equal(filesBelow(stream.entries, '.chains').length, 0);
    });

    it('with a layer twice brings it once', async () => {
      const image = await workshop.image('reg.example/app:1', [base, top, base]);
      const { layers, stream } = await workshop.publish([image]);
      assert.deepEqual(layers, [hexOf(base.digest), hexOf(top.digest)]);
      assert.equal(filesBelow(stream.entries, '.chains').length, 3);
      const flat = workshop.repository.linesBelow(flatPath(image.manifest.config.digest));
      assert.ok(flat.includes('d/a = base a'));
      assert.ok(flat.includes('e/c = top c'));
    });

    it('with hard links to a lower layer links to that one, where the image is whole', async () => {
      const linking = await workshop.layer(hardLink('h', 's/a'), hardLink('i', 'h'), hardLink('t', 's'));
      const image = await workshop.image('reg.example/app:1', [base, linking]);
      const { stream, warnings } = await workshop.publish([image]);
      assert.deepEqual(streamBelow(stream, layerRoot(linking.digest)), []);
      const target = `${layerRoot(base.digest)}/d/a`;
      const [, chain] = chainIds([base.digest, linking.digest]);
      for (const path of [flatPath(image.manifest.config.digest), chainPath(chain ?? base.digest)])
        for (const line of ['t -> d', `h == ${target}`, `i == ${target}`])
          assert.ok(streamBelow(stream, path).includes(line), line);
      assert.match(warnings.join('\n'), /^overlay mounts of \.layers .*3 paths other.* \(h, i, t\)$/);
    });

    it('has nothing at the root of the repository that could be somebody’s subdirectory', async () => {
      const image = await workshop.image('reg.example/app:1', [base, top]);
      const other = { ...image, publicName: '.multiarch/arm64/reg.example/app:1' };
      const { stream } = await workshop.publish([image, other], {
        outputs: new Set<OutputName>(['layers', 'chains', 'flat', 'podman']),
      });
      const roots = new Set(stream.entries.map(({ path }) => path.split('/', 1)[0] ?? ''));
      assert.ok(roots.delete('reg.example'));
      assert.deepEqual([...roots].sort(), ownFolders().sort());
    });

    it('is made of the layers that its config names, and of no others', async () => {
      const image = await workshop.image('reg.example/app:1', [base, top]);
      for (const diffIds of [[base.diffId, base.diffId], [base.diffId], [top.diffId, base.diffId]]) {
        const { outcomes } = await workshop.publish([{ ...image, config: { ...image.config, diffIds } }]);
        assert.deepEqual(outcomes, ['digest-mismatch']);
      }
    });

    it('with hard links in a folder that is a symbolic link below', async () => {
      const linking = await workshop.layer(hardLink('s/h', 'd/a'), file('s/new', 'x'));
      const image = await workshop.image('reg.example/app:1', [base, linking]);
      const { stream } = await workshop.publish([image]);
      assert.deepEqual(streamBelow(stream, layerRoot(linking.digest)), ['s/', 's/new = x']);
      const flat = workshop.repository.linesBelow(flatPath(image.manifest.config.digest));
      for (const line of ['d/h = base a', 'd/new = x', 's -> d']) assert.ok(flat.includes(line), line);
    });

    it('cannot give CernVM-FS orders, and its users are told', async () => {
      const orders = await workshop.layer(
        file('.cvmfscatalog', 'x'),
        file('d/.cvmfsdirtab', '/*'),
        whiteout('d/.cvmfscatalog'),
        file('ok', 'y'),
      );
      const image = await workshop.image('reg.example/app:1', [orders]);
      for (const layers of [true, false]) {
        const fresh = await Workshop.open();
        const same = await fresh.image('reg.example/app:1', [orders]);
        assert.equal(same.manifest.digest, image.manifest.digest);
        const { stream, warnings } = await fresh.publish([same], {
          outputs: new Set<OutputName>(layers ? ['layers', 'chains', 'flat'] : ['flat']),
        });
        assert.deepEqual(warnings, [
          '3 paths left out, since CernVM-FS would act on them (.cvmfscatalog, d/.cvmfsdirtab, d/.wh..cvmfscatalog)',
        ]);
        const orderly = stream.entries.filter(({ path }) => /cvmfs(dirtab|graft)/.test(path));
        assert.deepEqual(orderly, []);
        assert.deepEqual(filesBelow(stream.entries, '.layers').length, layers ? 1 : 0);
      }
    });

    it('as deep as an image may be can be composed', async () => {
      const path = `${'d/'.repeat(MOST_COMPONENTS - 1)}f`;
      const deep = await workshop.layer(file(path, 'x', { xattrs: { 'user.x': '1' } }));
      const image = await workshop.image('reg.example/app:1', [deep]);
      await workshop.publish([image]);
      assert.equal(workshop.repository.textOf(`${flatPath(image.manifest.config.digest)}/${path}`), 'x');
    });

    it('whose listing is lost since has to be prepared again', async () => {
      const image = await workshop.image('reg.example/app:1', [base]);
      const lost = await Workshop.open();
      const { outcomes } = await lost.compose([image]);
      assert.deepEqual(outcomes, ['layer-vanished']);
    });
  });

  function jsonAt(path: string): unknown {
    return JSON.parse(workshop.repository.textOf(path) ?? 'null');
  }
});

/** Catalog markers below `folder`: one for each tree there. */
function filesBelow(entries: readonly { readonly path: string }[], folder: string): string[] {
  return entries
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`${folder}/`) && path.endsWith('/.cvmfscatalog'));
}

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
