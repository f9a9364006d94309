import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { DaemonRig } from '../../support/daemon/rig.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { heldBytes, letOptimize, usualGrowth } from '../../publisher/heap.ts';

const HOUR = 60;
/** Hours after which every tag was moved once, and most of what is loaded or cached once is there. */
const WARM = 20;
const HOURS = 35;
/** What an hour may leave as a rule: 12 cycles look at 21 images, and each look would leave an object or two. */
const MOST_BYTES = 20_000;

describe('daemon/service/steady', function () {
  before(() => letOptimize(false));
  after(() => letOptimize(true));

  it('leave memory and open files as they were, whatever was published', async () => {
    const registry = await TestRegistry.start();
    const recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
    const rig = await DaemonRig.make({ sources: [fileSource({ name: 'lab', path: recipe })] });
    await mkdir(join(rig.root, 'images.unpackd.test'), { recursive: true });
    const tags = Array.from({ length: 20 }, (_, index) => `lab/tool:${index}`);
    const names = [...tags, 'lab/missing:1'];
    await writeFile(recipe, recipeText(...names.map((name) => `http://${registry.host}/${name}`)));
    const move = async (tag: string, content: string): Promise<void> => {
      registry.add('lab/tool', tag, image({ layers: [await layer([file('version', content)])] }));
      // The registry is in this process: small buffers that it kept would keep the whole slab of the pool that they are in.
      registry.store.removeUntagged('lab/tool');
    };
    for (const tag of tags) await move(tag.split(':')[1] ?? '', tag);
    try {
      await rig.start();
      const live = async (from: number, to: number): Promise<void> => {
        for (let hour = from; hour < to; hour++) {
          await move(String(hour % tags.length), `in hour ${hour}`);
          await rig.pass(HOUR);
          rig.said();
          registry.requests();
        }
      };
      await live(0, WARM);
      const [held, open]: [number[], number[]] = [[], []];
      for (let hour = WARM; hour <= HOURS; hour++) {
        await live(hour, hour + 1);
        held.push(heldBytes());
        open.push(openFiles());
      }
      assert.ok(usualGrowth(held) < MOST_BYTES, `after each hour ${held.join(', ')} bytes are held`);
      assert.ok(usualGrowth(open) < 1, `after each hour ${open.join(', ')} files are open`);
    } finally {
      await rig.stop();
      await registry.close();
    }
  });
});

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}
