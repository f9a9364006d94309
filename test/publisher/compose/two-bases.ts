import assert from 'node:assert/strict';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import type { Outputs } from '../../../core/outputs.ts';
import type { BytePath } from '../../../core/system/byte-path.ts';
import { isFailure } from '../../../core/failure.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import { differences, type Snapshot } from '../../support/trees/snapshot.ts';
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
  const [first = new Map<string, string>(), ...others] = await Promise.all(
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
const ROOT = /^\.(?:layers\/..\/[^/]+\/layerfs|(?:chains|flat)\/..\/[^/]+)\//;

/** What was written at a path, and its extended attributes. */
type Written = StreamEntry & { readonly xattrs: string };
type Published = Map<BytePath, Written>;

async function publishedIn(
  order: readonly (readonly number[])[],
  images: readonly ReadyImage[],
  workshop: Workshop,
): Promise<Snapshot> {
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

/**
 * A line for each path. Which of two layers has a file that is the same in both depends on which came first. What must not is the file
 * itself, its path within the layer, and which names within a tree it has: told by the first of them.
 */
function linesOf(published: Published): Snapshot {
  const firstNames = new Map<string, BytePath>();
  const lines: Snapshot = new Map();
  for (const [path, found] of [...published].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const root = ROOT.exec(path)?.[0];
    const file = root === undefined ? undefined : fileOf(found, published);
    if (file === undefined) {
      lines.set(path, `${lineOf(found)} ${found.xattrs}`);
      continue;
    }
    const names = `${root} ${file.path}`;
    const firstName = firstNames.get(names) ?? path;
    firstNames.set(names, firstName);
    const kind = path.startsWith('.layers/') ? 'file' : found.kind;
    const from = file.path.replace(ROOT, '');
    lines.set(
      path,
      `${kind} ${lineOf(file)} ${file.xattrs} ${found.xattrs} from ${from}, first ${firstName}`,
    );
  }
  return lines;
}

/** The file that is written there, or that a link there leads to. Bounded: by links, each to what came before. */
function fileOf(found: Written, published: Published): Written | undefined {
  if (found.kind !== 'link') return found.kind === 'file' ? found : undefined;
  const target = published.get(found.text);
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
