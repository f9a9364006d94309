import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { image } from '../../support/images/image.ts';
import { layer } from '../../support/images/layer.ts';
import { writeLayout } from '../../support/images/layout.ts';
import { ImageStore } from '../../support/images/store.ts';
import { needs, needsRoot } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { linesOfTree } from '../../support/trees/tree-lines.ts';
import { ALL_CASES } from './cases.ts';
import type { Stack } from './stack.ts';

describe('publisher/tree/umoci', () => {
  it('every stack of the tables, but for those where we differ for a reason', async function () {
    needs(this, 'umoci');
    needsRoot(this);
    const folder = await temporaryDirectory('umoci');
    const store = new ImageStore();
    const cases = ALL_CASES.filter(({ differs }) => differs === undefined);
    for (const [index, { stack }] of cases.entries()) store.add('stacks', await imageOf(stack), `t${index}`);
    await mkdir(join(folder, 'oci'));
    await writeLayout(store, 'stacks', join(folder, 'oci'));
    for (const [index, { what, expected }] of cases.entries()) {
      const root = join(folder, `root-${index}`);
      const words = ['raw', 'unpack', '--image', `${join(folder, 'oci')}:t${index}`, root];
      const { status, stderr } = spawnSync('umoci', words, { encoding: 'utf8' });
      if (typeof expected === 'string') {
        assert.notEqual(status, 0, `umoci unpacks what we refuse: ${what}`);
      } else {
        assert.equal(status, 0, `${what}: ${stderr}`);
        assert.deepEqual(linesOfTree(root), expected, what);
      }
    }
  });
});

async function imageOf(stack: Stack) {
  const layers = [];
  for (const entries of stack) layers.push(await layer(entries, { compression: 'gzip' }));
  return image({ layers });
}
