import assert from 'node:assert/strict';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import type { OutputName, Outputs } from '../../../core/outputs.ts';
import {
  chainIds,
  chainPath,
  flatId,
  flatPath,
  layerPath,
  layerRoot,
  recordPath,
} from '../../../publisher/image/layout.ts';
import { hexOf } from '../../../core/oci/digest.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import { publishedState } from '../../../publisher/outputs/outputs.ts';
import type { Kind } from '../../../publisher/publication/view.ts';
import { directory, file, hardLink, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';
import { MemoryRepository } from './memory-repository.ts';
import { Workshop, streamBelow } from './workshop.ts';

const ALL: Outputs = new Set(['layers', 'chains', 'flat']);

/** More than a call can have arguments. */
const CROWD = 150_000;

class CrowdedRepository extends MemoryRepository {
  override async *walk(path: BytePath): AsyncGenerator<{ path: BytePath; kind: Kind }> {
    for (let number = 0; number < CROWD; number++) yield { path: `${path}/old${number}`, kind: 'file' };
  }
}

describe('publisher/compose/published-before', () => {
  let workshop: Workshop;
  let base: Layer;
  let top: Layer;
  let image: ReadyImage;
  let root: string;
  beforeEach(async () => {
    workshop = await Workshop.open();
    base = await workshop.layer(directory('d'), file('d/a', 'base a'), file('b', 'base b'));
    top = await workshop.layer(whiteout('b'), file('c', 'top c'), hardLink('d/c', 'c'));
    image = await workshop.image('reg.example/app:1', [base, top]);
    root = layerRoot(base.digest);
  });

  describe('by itself', () => {
    it('brings no layer that is recorded: links go to it, without its blob', async () => {
      await workshop.publish([await workshop.image('reg.example/base:1', [base])]);
      const blobs = new Map([...image.blobs].filter(([digest]) => digest !== base.digest));
      const { stream, layers } = await workshop.publish([{ ...image, blobs }]);
      assert.deepEqual(layers, [hexOf(top.digest)]);
      assert.deepEqual(streamBelow(stream, root), []);
      const flat = streamBelow(stream, flatPath(image.manifest.config.digest));
      assert.ok(flat.includes(`d/a == ${root}/d/a`));
    });

    it('adds itself to the origins of a layer, once', async () => {
      const other = await workshop.image('reg.example/base:1', [base]);
      await workshop.publish([other]);
      const { stream } = await workshop.publish([image]);
      const folder = `${layerPath(base.digest)}/.metadata`;
      assert.deepEqual(streamBelow(stream, folder), [
        `origin.json = ${JSON.stringify({ origin: [other.manifest.config.digest, image.manifest.config.digest] })}`,
      ]);
      const again = await workshop.publish([image], { convertAgain: true });
      assert.deepEqual(streamBelow(again.stream, folder), streamBelow(stream, folder));
    });

    it('has one flat tree for two manifests of one config, and the layers of both', async () => {
      const entries = [directory('d'), file('d/a', 'base a'), file('b', 'base b')];
      const packed = await layer(entries, { compression: 'gzip' });
      assert.equal(packed.diffId, base.diffId);
      const other = await workshop.image('reg.example/app:packed', [packed, top]);
      await workshop.publish([image]);
      const flat = flatPath(image.manifest.config.digest);
      assert.equal(flatPath(other.manifest.config.digest), flat);
      const before = workshop.repository.linesBelow(flat);
      const { layers, stream } = await workshop.publish([other]);
      assert.deepEqual(layers, [hexOf(packed.digest)]);
      assert.deepEqual(streamBelow(stream, flat), []);
      assert.deepEqual(workshop.repository.linesBelow(flat), before);
      const ownTree = (one: Layer): string[] => workshop.repository.linesBelow(layerRoot(one.digest));
      assert.deepEqual(ownTree(packed), ownTree(base));
      for (const one of [base, packed, top])
        assert.equal(
          workshop.repository.textOf(`${layerPath(one.digest)}/.metadata/origin.json`),
          JSON.stringify({ origin: [image.manifest.config.digest] }),
        );
    });

    it('keeps the flat tree of a manifest without some layers apart from that of the whole image', async () => {
      const lacking: ReadyImage = {
        ...image,
        publicName: 'reg.example/app:lacking',
        manifest: { ...image.manifest, layers: image.manifest.layers.slice(0, 1), skipped: [1] },
        config: { ...image.config, diffIds: image.config.diffIds.slice(0, 1) },
      };
      const flat = flatPath(image.manifest.config.digest);
      const partial = flatPath(flatId(lacking.manifest));
      await workshop.publish([lacking]);
      assert.equal(await workshop.repository.kindOf(flat), undefined);
      assert.equal(workshop.repository.textOf('reg.example/app:lacking'), `../${partial}`);
      await workshop.publish([image]);
      const whole = workshop.repository.linesBelow(flat);
      assert.ok(whole.includes('c = top c'));
      // As a request to build it again, or `--convert-again`, does.
      await workshop.publish([lacking], { convertAgain: true });
      assert.deepEqual(workshop.repository.linesBelow(flat), whole);
      assert.ok(!workshop.repository.linesBelow(partial).includes('c = top c'));
      assert.equal(await publishedState(workshop.repository, { ...lacking, outputs: ALL }), 'current');
    });

    it('takes files of other layers out of a layer that an earlier version published, when it is used', async () => {
      const linking = await workshop.layer(hardLink('d/e', 'd/a'), file('own', 'x'));
      const strangers = await workshop.layer(directory('d'), file('d/a', 'bad'));
      await workshop.publish([await workshop.image('reg.example/bad:1', [strangers, linking])]);
      const tree = layerRoot(linking.digest);
      const record = recordPath('layers', hexOf(linking.digest));
      workshop.repository.put(`${tree}/d/e`, 'file', 'bad');
      workshop.repository.put(record, 'file', '1\n');
      await workshop.publish([await workshop.image('reg.example/app:1', [base, linking])]);
      assert.equal(await workshop.repository.kindOf(`${tree}/d/e`), undefined);
      assert.equal(workshop.repository.textOf(`${tree}/own`), 'x');
      assert.equal(workshop.repository.textOf(record), '2\n');
    });

    it('keeps a layer of an earlier version that has none, with a record of now', async () => {
      await workshop.publish([image]);
      const record = recordPath('layers', hexOf(base.digest));
      for (const text of ['', '1\n']) {
        workshop.repository.put(record, 'file', text);
        const other = await workshop.image('reg.example/other:1', [base]);
        const blobs = new Map([...other.blobs].filter(([digest]) => digest !== base.digest));
        const { layers } = await workshop.publish([{ ...other, blobs }]);
        assert.deepEqual(layers, []);
        assert.equal(workshop.repository.textOf(record), '2\n');
      }
    });

    it('makes a flat tree of an earlier version again, which may have been one without some layers', async () => {
      await workshop.publish([image]);
      const flat = flatPath(image.manifest.config.digest);
      workshop.repository.remove(`${flat}/c`);
      workshop.repository.put(recordPath('flat', hexOf(image.manifest.config.digest)), 'file', '1\n');
      await workshop.publish([{ ...image, publicName: 'reg.example/other:1' }]);
      assert.equal(workshop.repository.textOf(`${flat}/c`), 'top c');
    });

    it('adds itself to no more than 10,000 origins', async () => {
      const path = `${layerPath(base.digest)}/.metadata/origin.json`;
      const origins = Array.from({ length: 9_999 }, (_, number) => `sha256:${number}`);
      workshop.repository.put(path, 'file', JSON.stringify({ origin: origins }));
      await workshop.publish([image]);
      const full = JSON.stringify({ origin: [...origins, image.manifest.config.digest] });
      assert.equal(workshop.repository.textOf(path), full);
      const other = await workshop.image('reg.example/other:1', [base]);
      await workshop.publish([other]);
      assert.equal(workshop.repository.textOf(path), full);
    });

    it('writes origins anew that cannot be read', async () => {
      const path = `${layerPath(base.digest)}/.metadata/origin.json`;
      for (const text of ['', '{', '{"origin":"x"}', '[]']) {
        workshop.repository.put(path, 'file', text);
        await workshop.publish([image], { convertAgain: true });
        assert.equal(
          workshop.repository.textOf(path),
          JSON.stringify({ origin: [image.manifest.config.digest] }),
        );
      }
    });

    it('brings nothing but its names where all is there', async () => {
      await workshop.publish([image]);
      const { stream, layers } = await workshop.publish([image]);
      assert.deepEqual(layers, []);
      assert.ok(stream.entries.every(({ isName, kind }) => isName && kind !== 'directory'));
      assert.equal(stream.entries.length, 4);
    });

    it('adds a further name', async () => {
      await workshop.publish([image]);
      const { stream } = await workshop.publish([{ ...image, publicName: 'reg.example/app:latest' }]);
      assert.ok(stream.entries.every(({ isName }) => isName));
      assert.equal(
        workshop.repository.textOf('reg.example/app:latest'),
        workshop.repository.textOf('reg.example/app:1'),
      );
    });

    it('moves a name to another image', async () => {
      await workshop.publish([image]);
      const next = await workshop.image('reg.example/app:1', [base]);
      await workshop.publish([next]);
      assert.equal(
        workshop.repository.textOf('reg.example/app:1'),
        `../${flatPath(next.manifest.config.digest)}`,
      );
    });

    it('makes chains and the flat tree again with convertAgain, and no layers', async () => {
      await workshop.publish([image]);
      const flat = flatPath(image.manifest.config.digest);
      workshop.repository.put(`${flat}/d/stale/x`, 'file');
      workshop.repository.remove(`${flat}/c`);
      const { stream, layers } = await workshop.publish([image], { convertAgain: true });
      assert.deepEqual(layers, []);
      assert.deepEqual(stream.publication.deletions, [`${flat}/d/stale`]);
      assert.equal(workshop.repository.textOf(`${flat}/c`), 'top c');
      assert.ok(stream.entries.some(({ path }) => path.startsWith('.chains/')));
      assert.ok(!stream.entries.some(({ path }) => path.startsWith(root)));
    });

    it('writes layers again with overwriteLayers, and no other trees', async () => {
      await workshop.publish([image]);
      workshop.repository.put(`${root}/stale`, 'symlink', 'x');
      workshop.repository.put(`${root}/d/a`, 'file', 'damaged');
      const { stream, layers } = await workshop.publish([image], { overwriteLayers: true });
      assert.deepEqual(layers, [hexOf(base.digest), hexOf(top.digest)]);
      assert.deepEqual(stream.publication.deletions, [`${root}/stale`]);
      assert.equal(workshop.repository.textOf(`${root}/d/a`), 'base a');
      assert.ok(!stream.entries.some(({ path }) => /^\.(chains|flat)\//.test(path)));
    });

    it('writes layers again for the first of several images alone', async () => {
      await workshop.publish([image]);
      const second = { ...image, publicName: 'reg.example/app:2' };
      const { layers } = await workshop.publish([image, second], {
        overwriteLayers: true,
        convertAgain: true,
      });
      assert.equal(layers.length, 2);
    });

    it('brings a tree whose record is there, but not the tree', async () => {
      await workshop.publish([image]);
      workshop.repository.remove(layerPath(base.digest));
      const { layers } = await workshop.publish([image]);
      assert.deepEqual(layers, [hexOf(base.digest)]);
    });
  });

  describe('by somebody else, without a record', () => {
    it('replaces what belongs to a layer, and deletes the rest', async () => {
      const { repository } = workshop;
      repository.put(`${root}/d/a`, 'file', 'damaged');
      repository.put(`${root}/b`, 'symlink', 'x');
      repository.put(`${root}/.wh.b`, 'file');
      repository.put(`${root}/d/old/deep/x`, 'file');
      repository.put(`${root}/d/older`, 'other');
      repository.put(`${root}/dd`, 'file');
      repository.put(`${root}/d/.cvmfscatalog`, 'file');
      repository.put(`${layerPath(base.digest)}/.cvmfscatalog`, 'file');
      repository.put(`${layerPath(base.digest)}/.metadata/layers.json`, 'file', '[]');
      const { stream, outcomes } = await workshop.publish([image]);
      assert.deepEqual(outcomes, ['added']);
      assert.deepEqual(
        [...stream.publication.deletions].sort(),
        [`${root}/.wh.b`, `${root}/d/old`, `${root}/d/older`, `${root}/dd`].sort(),
      );
      assert.deepEqual(repository.linesBelow(root), [
        'b = base b',
        'd/',
        'd/.cvmfscatalog = ',
        'd/a = base a',
      ]);
    });

    it('replaces devices by deletions, and the reverse', async () => {
      workshop.repository.put(`${layerRoot(top.digest)}/b`, 'other');
      const { outcomes, stream } = await workshop.publish([image]);
      assert.deepEqual(outcomes, ['added']);
      assert.deepEqual(stream.publication.deletions, []);
    });

    it('deletes a great deal', async () => {
      const crowded = await Workshop.open(new CrowdedRepository());
      const { stream } = await crowded.compose([await crowded.image('reg.example/app:1', [base])], {
        outputs: new Set<OutputName>(['layers']),
      });
      assert.equal(stream.publication.deletions.length, CROWD);
    });

    const flatOf = (): string => flatPath(image.manifest.config.digest);
    const conflicts: [what: string, path: () => string, kind: 'file' | 'directory' | 'symlink' | 'other'][] =
      [
        ['a directory where a file belongs', () => `${root}/b`, 'directory'],
        ['a file where a directory belongs', () => `${root}/d`, 'file'],
        ['a symbolic link where a directory belongs', () => `${root}/d`, 'symlink'],
        ['a device where a file belongs', () => `${root}/b`, 'other'],
        ['a file where a deletion belongs', () => `${layerRoot(top.digest)}/b`, 'file'],
        ['a directory where a further name belongs', () => `${layerRoot(top.digest)}/d/c`, 'directory'],
        ['a file where a layer belongs', () => layerPath(base.digest), 'file'],
        ['a symbolic link where the tree of a layer belongs', () => root, 'symlink'],
        ['a file where the metadata of a layer belong', () => `${layerPath(base.digest)}/.metadata`, 'file'],
        [
          'a directory where layers.json belongs',
          () => `${layerPath(base.digest)}/.metadata/layers.json`,
          'directory',
        ],
        [
          'a directory where origin.json belongs',
          () => `${layerPath(base.digest)}/.metadata/origin.json`,
          'directory',
        ],
        ['a file where a chain belongs', () => chainPath(chainIds([base.digest])[0] ?? base.digest), 'file'],
        ['a device where the flat tree belongs', flatOf, 'other'],
        ['a directory where a start-up file belongs', () => `${flatOf()}/.run`, 'directory'],
        ['a directory where the public name belongs', () => 'reg.example/app:1', 'directory'],
        ['a device where the public name belongs', () => 'reg.example/app:1', 'other'],
        ['a file where a folder of the public name belongs', () => 'reg.example', 'file'],
        ['a symbolic link where a folder of the public name belongs', () => 'reg.example', 'symlink'],
        ['a file where the folder of the manifest belongs', () => '.metadata/reg.example/app:1', 'file'],
        [
          'a directory where the manifest belongs',
          () => '.metadata/reg.example/app:1/manifest.json',
          'directory',
        ],
        [
          'a file where folders of layers belong',
          () => layerPath(base.digest).slice(0, '.layers/xx'.length),
          'file',
        ],
        ['a directory where a record belongs', () => recordPath('layers', hexOf(base.digest)), 'directory'],
        ['a file where a folder of records belongs', () => '.unpackd/flat', 'file'],
      ];
    for (const [what, path, kind] of conflicts) {
      it(`refuses an image where there is ${what}, and goes on with the batch`, async () => {
        workshop.repository.put(path(), kind);
        const other = await workshop.layer(file('x', 'y'));
        const good = await workshop.image('good.example/app:1', [other]);
        const { outcomes, layers, stream } = await workshop.compose([image, good]);
        assert.deepEqual(outcomes.slice(0, 1), ['repository-conflict']);
        if (path() === '.unpackd/flat') return;
        assert.deepEqual(outcomes, ['repository-conflict', 'added']);
        assert.deepEqual(layers, [hexOf(other.digest)]);
        assert.ok(
          !stream.entries.some(({ path: at }) => at.startsWith(root) || at.startsWith('reg.example')),
        );
        assert.deepEqual(stream.publication.deletions, []);
        await workshop.publish([good]);
      });
    }

    it('leaves alone what stands at a public name that is not asked for', async () => {
      workshop.repository.put('reg.example/app:1', 'directory');
      const outputs = new Set<OutputName>(['layers', 'chains']);
      const { outcomes } = await workshop.publish([image], { outputs });
      assert.deepEqual(outcomes, ['added']);
      assert.equal(await workshop.repository.kindOf('reg.example/app:1'), 'directory');
    });

    it('replaces a public name that is a file', async () => {
      workshop.repository.put('reg.example/app:1', 'file', 'x');
      await workshop.publish([image]);
      assert.equal(await workshop.repository.kindOf('reg.example/app:1'), 'symlink');
    });

    it('follows the image where a symbolic link of it was a file', async () => {
      const linked = await workshop.layer(symlink('s', 'target'));
      workshop.repository.put(`${layerRoot(linked.digest)}/s`, 'file', 'x');
      const { outcomes } = await workshop.publish([await workshop.image('reg.example/app:2', [linked])]);
      assert.deepEqual(outcomes, ['added']);
      assert.equal(workshop.repository.textOf(`${layerRoot(linked.digest)}/s`), 'target');
    });
  });
});
