import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonRig } from '../../support/daemon/rig.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { heldBytes } from '../../publisher/heap.ts';

const HOUR = 60;
/** Hours after which whatever is compiled, loaded or cached once is there. */
const WARM = 12;
const DAY = 24;
/** Held more after the rest of the day, some 150 cycles. What one cycle leaves is at most a hundredth of it. */
const MOST_BYTES = 2_000_000;

describe('a day of the daemon', function () {
  this.timeout(600_000);

  it('leaves memory and open files as they were, whatever was published', async () => {
    const registry = await TestRegistry.start();
    const recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
    const rig = await DaemonRig.make({ sources: [{ kind: 'file', name: 'lab', path: recipe }] });
    await mkdir(join(rig.root, 'images.unpackd.test'), { recursive: true });
    const tags = Array.from({ length: 20 }, (_, index) => `lab/tool:${index}`);
    const names = [...tags, 'lab/missing:1'];
    await writeFile(recipe, recipeText(...names.map((name) => `http://${registry.host}/${name}`)));
    const move = async (tag: string, content: string): Promise<void> => {
      registry.add('lab/tool', tag, image({ layers: [await layer([file('version', content)])] }));
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
      const before = { bytes: heldBytes(), files: openFiles() };
      await live(WARM, DAY);
      const after = { bytes: heldBytes(), files: openFiles() };
      assert.ok(after.bytes - before.bytes < MOST_BYTES, `${after.bytes - before.bytes} bytes more are held`);
      assert.ok(after.files <= before.files + 2, `${before.files} files were open, now ${after.files}`);
    } finally {
      await rig.stop();
      await registry.close();
    }
  });
});

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}
