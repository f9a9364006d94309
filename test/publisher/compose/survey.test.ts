import assert from 'node:assert/strict';
import { chainIds, chainPath, flatPath, layerRoot, recordPath } from '../../../publisher/image/layout.ts';
import { publishedState } from '../../../publisher/outputs/outputs.ts';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import { hexOf } from '../../../core/oci/digest.ts';
import { directory, file, hardLink } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import { Workshop, streamBelow } from './workshop.ts';

describe('publisher/compose/survey', () => {
  let workshop: Workshop;
  let base: Layer;
  let top: Layer;
  let first: ReadyImage;
  let second: ReadyImage;
  beforeEach(async () => {
    workshop = await Workshop.open();
    base = await workshop.layer(
      directory('d'),
      file('d/large', 'content'),
      hardLink('d/linked', 'd/large'),
      file('d/whole', 'whole'),
      file('d/tiny', ''),
    );
    top = await workshop.layer(hardLink('more', 'd/large'));
    first = await workshop.image('reg.example/base:1', [base]);
    second = await workshop.image('reg.example/app:1', [base, top]);
    await workshop.publish([first]);
    workshop.repository.chunk(`${layerRoot(base.digest)}/d/large`);
  });

  function flatOf({ manifest }: ReadyImage): string {
    return flatPath(manifest.config.digest);
  }

  it('brings them again, and links to all others', async () => {
    const root = layerRoot(base.digest);
    const blobs = new Map([...second.blobs].filter(([digest]) => digest !== base.digest));
    const { stream } = await workshop.publish([{ ...second, blobs }]);
    const chain = chainPath(chainIds([base.digest, top.digest])[1] ?? base.digest);
    for (const tree of [flatOf(second), chain]) {
      const lines = streamBelow(stream, tree);
      for (const name of ['d/large', 'd/linked', 'more'])
        assert.ok(lines.includes(`${name} = content`), name);
      assert.ok(lines.includes(`d/whole == ${root}/d/whole`));
    }
  });

  it('links to those of a layer that the same batch brings', async () => {
    const { stream } = await workshop.publish([second], { overwriteLayers: true });
    assert.ok(streamBelow(stream, flatOf(second)).includes(`d/large == ${layerRoot(base.digest)}/d/large`));
  });

  it('makes a tree again that has such files, and a record from before there were rules', async () => {
    workshop.repository.chunk(`${flatOf(first)}/d/large`);
    assert.equal(await publishedState(workshop.repository, first), 'current');
    workshop.repository.put(recordPath('flat', hexOf(first.manifest.config.digest)), 'file', '');
    assert.equal(await publishedState(workshop.repository, first), 'absent-or-outdated');
    const { stream } = await workshop.publish([first]);
    assert.ok(streamBelow(stream, flatOf(first)).includes('d/large = content'));
    assert.deepEqual(streamBelow(stream, layerRoot(base.digest)), []);
    assert.equal(await publishedState(workshop.repository, first), 'current');
  });

  it('makes a layer again likewise', async () => {
    workshop.repository.put(recordPath('layers', hexOf(base.digest)), 'file', '');
    const { layers } = await workshop.publish([first]);
    assert.deepEqual(layers, [hexOf(base.digest)]);
  });

  it('leaves other trees with such a record as they are', async () => {
    const other = await workshop.image('reg.example/other:1', [await workshop.layer(file('x', 'y'))]);
    await workshop.publish([other]);
    workshop.repository.put(recordPath('flat', hexOf(other.manifest.config.digest)), 'file', '');
    assert.equal(await publishedState(workshop.repository, other), 'current');
  });
});
