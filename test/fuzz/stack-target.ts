import { isFailure } from '../../core/failure.ts';
import { randomStack } from '../publisher/tree/random-stacks.ts';
import { applyStack } from '../publisher/tree/reference.ts';
import { mergedStack, treeLines } from '../publisher/tree/stack.ts';
import { choicesOf } from './choices.ts';
import { assertSame, outcome, watched } from './invariants.ts';

/** The input as the choices that make a stack of layers: merged, and compared with the slow, obvious reference. */
export async function fuzz(data: Buffer): Promise<void> {
  await watched(() => {
    const stack = randomStack(choicesOf(data));
    const merged = outcome(() => treeLines(mergedStack(stack).top, stack));
    const expected = applyStack(stack);
    if (expected.kind === 'undefined') return;
    const lines = isFailure(merged) ? 'failure' : merged;
    assertSame(lines, expected.kind === 'tree' ? expected.lines : 'failure', JSON.stringify(stack));
  });
}
