import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { applyStack } from './reference.ts';
import { randomOf, randomStack } from './random-stacks.ts';
import { mergedStack, treeLines, type Stack } from './stack.ts';

const STACKS = 2_000;

describe('publisher/tree/merge-random', () => {
  const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

  it(`gives what applying member by member gives (UNPACKD_TEST_SEED=${seed})`, () => {
    const counts = { tree: 0, failure: 0, undefined: 0 };
    for (let number = 0; number < STACKS; number++) {
      const stack = randomStack(randomOf(seed + number));
      const expected = applyStack(stack);
      counts[expected.kind]++;
      if (expected.kind === 'undefined') continue;
      const lines = expected.kind === 'tree' ? expected.lines : 'failure';
      assert.deepEqual(mergedLines(stack), lines, `seed ${seed + number}: ${shown(stack)}`);
    }
    assert.ok(counts.tree > STACKS / 3 && counts.failure > 0, JSON.stringify(counts));
  });
});

function mergedLines(stack: Stack): string[] | 'failure' {
  try {
    return treeLines(mergedStack(stack).top, stack);
  } catch (error) {
    if (isFailure(error, 'layer-refused', 'layer-corrupt')) return 'failure';
    throw error;
  }
}

function shown(stack: Stack): string {
  return JSON.stringify(
    stack.map((entries) =>
      entries.map((entry) => {
        if (entry.type === 'raw') return entry.type;
        const detail = 'target' in entry ? ` ${String(entry.target)}` : '';
        return `${entry.type} ${String(entry.path)}${detail}`;
      }),
    ),
    undefined,
    1,
  );
}
