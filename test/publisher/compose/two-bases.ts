import assert from 'node:assert/strict';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import type { Outputs } from '../../../core/outputs.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import { isFailure } from '../../../core/failure.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import { randomStack, type Random } from '../tree/random-stacks.ts';
import { mergedStack, type Stack } from '../tree/stack.ts';
import { MemoryRepository } from './memory-repository.ts';
import type { Stream, StreamEntry } from './stream.ts';
import type { Workshop } from './workshop.ts';

/** The same layers over two bases: two images that share all but what is below. */
export interface TwoBases {
  readonly bases: readonly [Stack, Stack];
  readonly shared: Stack;
}

export function randomTwoBases(random: Random): TwoBases {
  return {
    bases: [randomStack(random).slice(0, 2), randomStack(random).slice(0, 2)],
    shared: randomStack(random),
  };
}

/** Whether both images can be published. */
export function areMergeable({ bases, shared }: TwoBases): boolean {
  try {
    for (const base of bases) mergedStack([...base, ...shared]);
    return true;
  } catch (error) {
    if (isFailure(error)) return false;
    throw error;
  }
}

/** Each base with the shared layers upon it. */
export async function imagesOf({ bases, shared }: TwoBases, workshop: Workshop): Promise<ReadyImage[]> {
  const layersOf = async (stack: Stack): Promise<Layer[]> => {
    const layers: Layer[] = [];
    for (const entries of stack) layers.push(await workshop.layer(...(entries as LayerEntry[])));
    return layers;
  };
  const upper = await layersOf(shared);
  const images: ReadyImage[] = [];
  for (const [index, base] of bases.entries()) {
    const layers = [...(await layersOf(base)), ...upper];
    images.push(
      await workshop.image(`reg.example/app:${index}`, layers, { created: `200${index}-01-01T00:00:00Z` }),
    );
  }
  return images;
}

export const OUTPUTS: Outputs = new Set(['layers', 'chains', 'flat', 'podman']);

/** Orders in which two images may come, each batch a publication. */
const ORDERS: readonly (readonly (readonly number[])[])[] = [[[0], [1]], [[1], [0]], [[0, 1]], [[1, 0]]];

/**
 * All that is published in the end, whichever image came first, must be the same, and what each by itself would bring must be
 * in it. Else something is named by less than what it depends on.
 */
export async function assertSameInAnyOrder(images: readonly ReadyImage[], workshop: Workshop): Promise<void> {
  const [first = new Map<BytePath, string>(), ...others] = await Promise.all(
    ORDERS.map(async (order) => await publishedIn(order, images, workshop)),
  );
  for (const [index, other] of others.entries())
    assertNone(differences(other, first), `order ${JSON.stringify(ORDERS[index + 1])}`);
  for (const index of images.keys()) {
    const alone = await publishedIn([[index]], images, workshop);
    const trees = new Map([...alone].filter(([path]) => TREES.test(path)));
    const found = new Map([...first].filter(([path]) => trees.has(path)));
    assertNone(differences(found, trees), `image ${index} by itself`);
  }
}

function assertNone(found: readonly string[], what: string): void {
  assert.ok(found.length === 0, `${what}:\n${found.slice(0, 5).join('\n')}`);
}

const TREES = /^\.(?:layers\/..\/[^/]+\/layerfs|chains|flat)\//;
const TREE = /^\.(?:layers|chains|flat)\/..\/[^/]+/;

/** A line for each path. */
type Lines = Map<BytePath, string>;

/** What was written at each path, and its extended attributes. */
type Published = Map<BytePath, StreamEntry & { readonly xattrs: string }>;

async function publishedIn(
  order: readonly (readonly number[])[],
  images: readonly ReadyImage[],
  workshop: Workshop,
): Promise<Lines> {
  const place = workshop.over(new MemoryRepository());
  const published: Published = new Map();
  for (const batch of order) {
    const { stream } = await place.publish(
      batch.flatMap((index) => images[index] ?? []),
      { outputs: OUTPUTS },
    );
    apply(stream, published);
  }
  return linesOf(published);
}

function apply({ publication, entries, xattrs: all }: Stream, published: Published): void {
  const xattrs = new Map(all.map(({ path, values }) => [path, [...values]]));
  for (const path of publication.deletions) remove(path, published);
  for (const found of entries)
    published.set(found.path, { ...found, xattrs: JSON.stringify(xattrs.get(found.path) ?? []) });
  for (const path of publication.outdated) remove(path, published);
}

function remove(path: BytePath, published: Published): void {
  for (const at of published.keys()) if (at === path || at.startsWith(`${path}/`)) published.delete(at);
}

function linesOf(published: Published): Lines {
  const firstNames = new Map<string, BytePath>();
  const lines: Lines = new Map();
  for (const path of [...published.keys()].sort()) {
    const found = published.get(path);
    assert.ok(found !== undefined);
    const file = fileOf(found, published);
    if (file === undefined) {
      lines.set(path, `${lineOf(found)} ${found.xattrs}`);
      continue;
    }
    // Which of two layers has a file that is the same in both depends on which came first. What readers see does not: its content,
    // and the names that it has within a tree.
    const tree = TREE.exec(path)?.[0] ?? path;
    const key = `${tree} ${file.path}`;
    const firstName = firstNames.get(key) ?? path;
    firstNames.set(key, firstName);
    const kind = path.startsWith('.layers/') ? 'file' : found.kind;
    lines.set(path, `${kind} ${lineOf(file)} ${file.xattrs} ${found.xattrs} first name ${firstName}`);
  }
  return lines;
}

/** The file that a layer, chain or root file system has at that place, or links to. */
function fileOf(
  found: StreamEntry & { readonly xattrs: string },
  published: Published,
): typeof found | undefined {
  if (!TREES.test(found.path)) return undefined;
  if (found.kind === 'file') return found;
  if (found.kind !== 'link') return undefined;
  const target = published.get(found.entry.type === 'link' ? found.entry.target : '');
  assert.ok(target !== undefined, `${found.path} leads nowhere`);
  return fileOf(target, published);
}

function lineOf({ path, kind, text, entry }: StreamEntry): string {
  // Which images use a layer, in the order in which they came.
  if (path.endsWith('/.metadata/origin.json'))
    return JSON.stringify((JSON.parse(text) as { origin: string[] }).origin.sort());
  const attributes = 'attributes' in entry ? JSON.stringify(entry.attributes) : '';
  const device = 'major' in entry ? `${entry.type} ${entry.major}:${entry.minor}` : '';
  return `${kind} ${device} ${attributes} ${text}`;
}

function differences(actual: Lines, expected: Lines): string[] {
  return [...new Set([...actual.keys(), ...expected.keys()])].sort().flatMap((path) => {
    const [here = 'nothing', there = 'nothing'] = [actual.get(path), expected.get(path)];
    return here === there ? [] : [`${path}: ${here}, expected ${there}`];
  });
}
