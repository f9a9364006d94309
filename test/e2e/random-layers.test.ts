import assert from 'node:assert/strict';
import { TestRegistry } from '../support/e2e/registry.ts';
import { Site } from '../support/e2e/site.ts';
import { image } from '../support/images/image.ts';
import { layer } from '../support/images/layer.ts';
import { needsRoot } from '../support/programs.ts';
import { linesOfTree } from '../support/trees/tree-lines.ts';
import { isAddedForApptainer } from '../support/trees/apptainer-files.ts';
import { applyStack } from '../publisher/tree/reference.ts';
import { randomOf, randomStack } from '../publisher/tree/random-stacks.ts';
import type { Stack } from '../publisher/tree/stack.ts';

const IMAGES = 150;

describe('e2e/random-layers', () => {
  const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

  it(`are published as if each layer were applied to a directory, member by member (UNPACKD_TEST_SEED=${seed})`, async function () {
    needsRoot(this);
    const registry = await TestRegistry.start();
    const site = await Site.make('directory');
    try {
      const expected = new Map<string, readonly string[] | undefined>();
      const wishes: string[] = [];
      for (let number = seed; wishes.length < IMAGES; number++) {
        const stack = randomStack(randomOf(number));
        const reference = applyStack(stack);
        if (reference.kind === 'undefined') continue;
        const wish = registry.add('lab/random', `s${number}`, await imageOf(stack));
        expected.set(wish.replace('http://', ''), reference.kind === 'tree' ? reference.lines : undefined);
        wishes.push(wish);
      }
      const { stdout, stderr } = await site.convert(wishes);
      for (const [name, lines] of expected) {
        if (lines === undefined) {
          assert.match(stderr, new RegExp(`^error\\[layer-(?:refused|corrupt)\\] ${name}: `, 'm'));
          continue;
        }
        assert.ok(stdout.includes(`published ${name} `), stderr);
        const found = linesOfTree(`${site.path(name)}/`).filter((line) => !isOurs(line));
        assert.deepEqual(found, lines, name);
      }
    } finally {
      await registry.close();
      await site.close();
    }
  });
});

/** No random layer has a name of apptainer's, or of the folders above its mount points. */
function isOurs(line: string): boolean {
  const path = line.split(/\/? |\/$/, 1)[0] ?? '';
  return isAddedForApptainer(path) || path.startsWith('.singularity.d/') || ['etc', 'var'].includes(path);
}

async function imageOf(stack: Stack) {
  const layers = [];
  for (const entries of stack) layers.push(await layer(entries));
  return image({ layers });
}
