import { gzipSync } from 'node:zlib';
import { GROUPS } from '../../e2e/hostile/hostile-groups.ts';
import type { Target } from '../../e2e/hostile/hostile-case.ts';
import { digestOf, type TestLayer } from '../../support/registry/image.ts';
import { storedFrame } from '../../support/images/zstd.ts';
import { archiveOf } from '../../publisher/layer/archive.ts';
import { LAYER_TABLES } from '../../publisher/layer-cases/cases.ts';
import { blobsOf } from '../../publisher/layer-cases/image-of.ts';
import { randomStack, type Random } from '../../publisher/tree/random-stacks.ts';
import type { Stack } from '../../publisher/tree/stack.ts';
import { mutate } from '../mutate.ts';
import { oneIn, pick } from './choices.ts';
import { GREEDY } from './greedy.ts';

const OCI = 'application/vnd.oci.image.layer.v1.tar';
const FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar';

export interface MadeLayers {
  readonly what: string;
  readonly layers: readonly TestLayer[];
  readonly isGreedy: boolean;
}

/** The layers of some image: of a case that is known, random ones, broken ones, or greedy ones. */
export async function randomLayers(random: Random, target: Target): Promise<MadeLayers> {
  switch (random(8)) {
    case 0: {
      const { rule, cases } = pick(random, LAYER_TABLES);
      const { what, layers, compress } = pick(random, cases);
      const blobs = await blobsOf(layers, compress);
      return {
        what: `${rule}: ${what}`,
        layers: blobs.map((blob) => ({ ...blob, mediaType: typeOf(blob.bytes) })),
        isGreedy: false,
      };
    }
    case 1: {
      const [group, cases] = pick(random, Object.entries(GROUPS));
      const { what, layers } = pick(random, cases(target));
      return { what: `${group}: ${what}`, layers: await packed(random, layers), isGreedy: false };
    }
    case 2:
    case 3: {
      const { what, layers } = pick(random, GREEDY)(random);
      return { what, layers: await packed(random, layers), isGreedy: true };
    }
    case 4:
      return { what: 'broken layers', layers: await broken(random), isGreedy: false };
    default:
      return { what: 'random layers', layers: await packed(random, randomStack(random)), isGreedy: false };
  }
}

/** The same layers each time, in a compression of their own. */
export async function packed(random: Random, stack: Stack): Promise<TestLayer[]> {
  const made = new Map<Stack[number], TestLayer>();
  const layers: TestLayer[] = [];
  for (const entries of stack) {
    const layer = made.get(entries) ?? layerOf(random, await archiveOf(...entries));
    made.set(entries, layer);
    layers.push(layer);
  }
  return layers;
}

/** Archives and blobs with wrong bits; the diff ID is mostly that of the archive all the same. */
async function broken(random: Random): Promise<TestLayer[]> {
  const stack = randomStack(random);
  const layers: TestLayer[] = [];
  for (const entries of stack) {
    const archive = await archiveOf(...entries);
    const layer = layerOf(random, oneIn(random, 3) ? archive : mutate(random, archive, archive));
    const bytes = oneIn(random, 3) ? mutate(random, layer.bytes, archive) : layer.bytes;
    layers.push({
      ...layer,
      bytes,
      diffId: oneIn(random, 8) ? digestOf(Buffer.from('other')) : layer.diffId,
    });
  }
  return layers;
}

function layerOf(random: Random, archive: Buffer): TestLayer {
  const bytes = pick(random, [gzipSync, gzipSync, storedFrame, (plain: Buffer) => plain])(archive);
  const diffId = digestOf(archive);
  if (oneIn(random, 12)) return { mediaType: typeOf(bytes, FOREIGN), bytes, diffId };
  return { mediaType: oneIn(random, 20) ? OCI : typeOf(bytes), bytes, diffId };
}

function typeOf(bytes: Buffer, base = OCI): string {
  const magic = bytes.toString('hex', 0, 2);
  if (magic === '1f8b') return `${base}+gzip`;
  return magic === '28b5' || bytes[1] === 0x2a ? `${base}+zstd` : base;
}
