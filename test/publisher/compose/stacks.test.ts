import assert from 'node:assert/strict';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import type { OutputName, Outputs } from '../../../core/outputs.ts';
import { chainIds, chainPath, flatPath } from '../../../publisher/image/layout.ts';
import { ALL_CASES } from '../tree/cases.ts';
import { randomOf, randomStack } from '../tree/random-stacks.ts';
import { mergedStack, treeLines, type Stack } from '../tree/stack.ts';
import { isFailure } from '../../../core/failure.ts';
import { Workshop } from './workshop.ts';

/** What the flat tree of an image without layers holds. */
const EMPTY: Stack = [];

describe('publisher/compose/stacks', () => {
  const stacks = ALL_CASES.filter(({ expected }) => typeof expected !== 'string').map(({ stack }) => stack);

  it('gives sound streams, and the trees that merging gives', async () => {
    await assertPublished(stacks, new Set<OutputName>(['layers', 'chains', 'flat']));
  });

  it('gives the same without layers', async () => {
    await assertPublished(stacks, new Set<OutputName>(['flat']));
  });

  const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

  it(`gives the same for random layers (UNPACKD_TEST_SEED=${seed})`, async () => {
    const random: Stack[] = [];
    for (let number = 0; random.length < 60; number++) {
      const stack = randomStack(randomOf(seed + number));
      if (isMergeable(stack)) random.push(stack);
    }
    await assertPublished(random, new Set<OutputName>(['layers', 'chains', 'flat']));
  });
});

/** Publishes each stack as an image, all in one batch, and compares flat trees and chains with the merged trees. */
async function assertPublished(stacks: readonly Stack[], outputs: Outputs): Promise<void> {
  const workshop = await Workshop.open();
  const images: ReadyImage[] = [];
  for (const [index, stack] of [EMPTY, ...stacks].entries()) {
    const layers = [];
    for (const entries of stack) layers.push(await workshop.layer(...entries));
    images.push(await workshop.image(`reg.example/stack:${index}`, layers));
  }
  const { outcomes } = await workshop.publish(images, { outputs });
  assert.deepEqual(new Set(outcomes), new Set(['added']));
  const [empty] = images;
  assert.ok(empty !== undefined);
  const ours = new Set(publishedAt(workshop, flatPath(empty.manifest.config.digest)));
  for (const [index, stack] of stacks.entries()) {
    const image = images[index + 1];
    assert.ok(image !== undefined);
    const expected = publishedLines(stack);
    const flat = publishedAt(workshop, flatPath(image.manifest.config.digest));
    const isExpected = new Set(expected);
    assert.deepEqual(
      flat.filter((line) => isExpected.has(line) || !ours.has(line)),
      expected,
      `stack ${index}`,
    );
    const chain = chainIds(image.manifest.layers.map(({ digest }) => digest)).at(-1);
    if (!outputs.has('chains') || chain === undefined) continue;
    assert.deepEqual(publishedAt(workshop, chainPath(chain)), expected, `stack ${index}`);
  }
}

/** What is published there, without the marker of the catalog. */
function publishedAt(workshop: Workshop, path: string): string[] {
  return workshop.repository.linesBelow(path).filter((line) => line !== '.cvmfscatalog = ');
}

/** The merged tree as a repository in memory shows it: no modes, no numbers of devices, each name with its content. */
function publishedLines(stack: Stack): string[] {
  const lines = treeLines(mergedStack(stack).top, stack);
  const contents = new Map(lines.map((line) => pairOf(line, ' = ')));
  return lines.map((line) => {
    const [name, first] = pairOf(line, ' == ');
    if (first !== undefined) return `${name} = ${contents.get(first) ?? ''}`;
    return line.replace(/\/ [0-7]+$/, '/').replace(/ (p|[cb] \d+:\d+)$/, ' other');
  });
}

function pairOf(line: string, separator: string): [before: string, after: string | undefined] {
  const [before = '', after] = line.split(separator, 2);
  return [before, after];
}

function isMergeable(stack: Stack): boolean {
  try {
    mergedStack(stack);
    return true;
  } catch (error) {
    if (isFailure(error)) return false;
    throw error;
  }
}
