import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from '../../../examples/demo/stage.ts';
import { tellStory } from '../../../examples/demo/story.ts';
import { convert } from '../../../examples/demo/unpackd.ts';
import { image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { serveImages } from '../../support/images/read-only-registry.ts';
import { ImageStore } from '../../support/images/store.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('examples/demo/story', () => {
  it('publishes, updates, and finds nothing to do the third time', async () => {
    const said: string[] = [];
    const stage = await emptyStage({ say: (text) => void said.push(text) });
    await tellStory(stage);
    const outcomes = said.map((line) => /^ {2}(published|unchanged) /.exec(line)?.[1] ?? '');
    assert.deepEqual(
      ['published', 'unchanged'].map((word) => outcomes.filter((outcome) => outcome === word).length),
      [3 + 2, 2 + 4],
    );
    assert.deepEqual((await readdir(stage.folder)).sort(), [
      '.unpackd-images.local',
      'images.local',
      'recipe.yaml',
      'state',
      'unpackd.yaml',
    ]);
  });

  it('takes an image without an index, whatever machine it is for', async () => {
    const store = new ImageStore();
    const layers = [await layer([file('hello', 'hello\n')])];
    store.add('demo/other', image({ layers, config: { architecture: 's390x' } }), '1');
    const registry = await serveImages(store);
    try {
      const stage = await emptyStage();
      const recipe = `version: 1\ncvmfs_repo: a.b\ninput: ['http://${registry.host}/demo/other:1']\n`;
      await writeFile(join(stage.folder, 'recipe.yaml'), recipe);
      await writeFile(join(stage.folder, 'unpackd.yaml'), 'root: .\nstate: ./state\n');
      assert.deepEqual(
        await convert(['convert', '--config', 'demo/unpackd.yaml', 'demo/recipe.yaml'], stage),
        [{ outcome: 'published', image: `${registry.host}/demo/other:1` }],
      );
    } finally {
      await registry.close();
    }
  });

  it('ends with what interrupted it', async () => {
    const reason = new Error('interrupted by a test');
    const stage = await emptyStage({ signal: AbortSignal.abort(reason) });
    await assert.rejects(convert(['version'], stage), reason);
  });

  it('fails where unpackd does', async () => {
    await assert.rejects(convert(['convert', 'missing.yaml'], await emptyStage()), /ended with 2/);
  });
});

async function emptyStage(own: Partial<Stage> = {}): Promise<Stage> {
  const folder = join(await temporaryDirectory('demo'), 'demo');
  await mkdir(folder);
  const { signal } = new AbortController();
  return { folder, say: () => undefined, signal, progress: 'ignore', ...own };
}
