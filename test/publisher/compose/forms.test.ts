import assert from 'node:assert/strict';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import type { OutputName, Outputs } from '../../../core/outputs.ts';
import { flatPath, layerRoot, recordPath } from '../../../publisher/image/layout.ts';
import { hexOf } from '../../../core/oci/digest.ts';
import { directory, file, hardLink, whiteout } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import type { Stream } from './stream.ts';
import { Workshop, streamBelow } from './workshop.ts';

const FLAT_ALONE: Outputs = new Set(['flat']);

describe('publisher/compose/forms', () => {
  let workshop: Workshop;
  let base: Layer;
  let top: Layer;
  let image: ReadyImage;
  let flat: string;
  beforeEach(async () => {
    workshop = await Workshop.open();
    base = await workshop.layer(
      directory('d'),
      file('d/a', 'base a'),
      hardLink('d/b', 'd/a'),
      file('gone', 'x'),
    );
    top = await workshop.layer(whiteout('gone'), hardLink('c', 'd/b'), file('d/t', 'top t'));
    image = await workshop.image('reg.example/app:1', [base, top]);
    flat = flatPath(image.manifest.config.digest);
  });

  describe('without layers', () => {
    it('copies the files into the flat tree, each once, with links within it', async () => {
      const { stream, layers } = await workshop.publish([image], { outputs: FLAT_ALONE });
      assert.deepEqual(layers, []);
      assert.deepEqual(
        streamBelow(stream, flat).filter((line) => /^(c|d\/.|gone)/.test(line) && !/^d.*\/$/.test(line)),
        ['d/a = base a', 'd/t = top t', `d/b == ${flat}/d/a`, `c == ${flat}/d/a`],
      );
      assert.deepEqual(foldersOf(stream), ['.flat', '.metadata', '.unpackd', 'reg.example']);
      assert.equal(
        await workshop.repository.kindOf(recordPath('flat', hexOf(image.manifest.config.digest))),
        'file',
      );
    });

    it('has the same flat tree as with layers', async () => {
      await workshop.publish([image], { outputs: FLAT_ALONE });
      const copied = workshop.repository.linesBelow(flat);
      await workshop.publish([image], { convertAgain: true });
      assert.deepEqual(workshop.repository.linesBelow(flat), copied);
    });

    it('links to layers that are all recorded', async () => {
      await workshop.publish([image], {
        outputs: new Set<OutputName>(['layers']),
      });
      const { stream } = await workshop.publish([{ ...image, blobs: new Map() }], { outputs: FLAT_ALONE });
      assert.ok(streamBelow(stream, flat).includes(`c == ${layerRoot(base.digest)}/d/a`));
      assert.ok(!streamBelow(stream, flat).some((line) => line.includes('base a')));
    });

    it('copies all where one layer is not recorded', async () => {
      await workshop.publish([await workshop.image('reg.example/base:1', [base])]);
      const { stream, layers } = await workshop.publish([image], { outputs: FLAT_ALONE });
      assert.deepEqual(layers, []);
      assert.ok(streamBelow(stream, flat).includes('d/a = base a'));
      assert.ok(!stream.entries.some(({ kind, text }) => kind === 'link' && text.startsWith('.layers')));
    });

    it('makes no chains, and says of no layer which images use it', async () => {
      const { stream } = await workshop.publish([image], {
        outputs: new Set<OutputName>(['chains', 'flat']),
      });
      assert.deepEqual(foldersOf(stream), ['.flat', '.metadata', '.unpackd', 'reg.example']);
    });

    it('makes chains of layers that are all recorded', async () => {
      await workshop.publish([image], {
        outputs: new Set<OutputName>(['layers']),
      });
      const { stream } = await workshop.publish([image], {
        outputs: new Set<OutputName>(['chains', 'flat']),
      });
      assert.deepEqual(foldersOf(stream), ['.chains', '.flat', '.metadata', '.unpackd', 'reg.example']);
    });
  });

  it('without a flat tree has no public name', async () => {
    const { stream } = await workshop.publish([image], {
      outputs: new Set<OutputName>(['layers', 'chains']),
    });
    assert.deepEqual(foldersOf(stream), ['.chains', '.layers', '.metadata', '.unpackd']);
    assert.ok(workshop.repository.textOf('.metadata/reg.example/app:1/manifest.json'));
  });

  it('without chains has layers and a flat tree', async () => {
    const { stream } = await workshop.publish([image], {
      outputs: new Set<OutputName>(['layers', 'flat']),
    });
    assert.deepEqual(foldersOf(stream), ['.flat', '.layers', '.metadata', '.unpackd', 'reg.example']);
  });

  it('adds the forms that are missing later', async () => {
    await workshop.publish([image], { outputs: new Set<OutputName>(['layers']) });
    const { stream, layers } = await workshop.publish([image]);
    assert.deepEqual(layers, []);
    assert.deepEqual(foldersOf(stream), [
      '.chains',
      '.flat',
      '.layers',
      '.metadata',
      '.unpackd',
      'reg.example',
    ]);
    assert.ok(streamBelow(stream, layerRoot(base.digest)).length === 0);
  });

  it('without any form keeps the manifest', async () => {
    const { stream } = await workshop.publish([image], {
      outputs: new Set<OutputName>([]),
    });
    assert.deepEqual(foldersOf(stream), ['.metadata']);
  });
});

/** The first components of all paths. */
function foldersOf({ entries }: Stream): string[] {
  return [...new Set(entries.map(({ path }) => path.split('/')[0] ?? ''))].sort();
}
