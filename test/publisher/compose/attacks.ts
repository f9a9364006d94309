import {
  directory,
  file,
  hardLink,
  symlink,
  whiteout,
  type LayerEntry,
} from '../../support/images/layer-entry.ts';
import { pax } from '../layer/archive.ts';

/** An image that costs far more to publish than to make. */
export interface Attack {
  readonly what: string;
  /** Lowest first. */
  readonly layers: () => readonly (readonly LayerEntry[])[];
  /** What must become of it: it is added, or has failed by itself with this code. */
  readonly outcome: string;
  /** The most steps that planning it may take, for one that is added; they are the same on every machine. */
  readonly steps?: number;
}

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** `count` records of extended attributes, of `bytes` together. */
function attributes(count: number, bytes: number): Record<string, string> {
  const names = many(count, (index) => `user.attribute-${index}`);
  const each = Math.floor(bytes / count) - 'user.attribute-000'.length;
  return Object.fromEntries(names.map((name) => [`SCHILY.xattr.${name}`, 'v'.repeat(each)]));
}

/** A target that leads nowhere else, in as many components as there is room for. */
const WINDING = 'd/../'.repeat(800);

/** A folder as deep as a path may be, and the folders above it. */
function deep(depth: number): string[] {
  return many(depth, (index) => 'n/'.repeat(index + 1).slice(0, -1));
}

/** Attacks of an image on whoever publishes it: each was seen to keep a daemon busy for minutes, or to end it. */
export const ATTACKS: readonly Attack[] = [
  {
    what: 'attributes of a global header, for each of many members',
    layers: () => [
      [{ type: 'raw', bytes: pax(attributes(90, 50_000), 'g') }, ...many(3000, (index) => file(`f${index}`))],
    ],
    outcome: 'added',
    steps: 1_200_000,
  },
  {
    what: 'members below many links, whose targets wind',
    layers: () => [
      [
        directory('d'),
        ...many(40, (index) => symlink(`l${index}`, `${WINDING}${index === 0 ? 'd' : `l${index - 1}`}`)),
        ...many(200, (index) => file(`l${39 - (index % 2)}/f${index}`)),
      ],
    ],
    outcome: 'image-too-large',
  },
  {
    what: 'deletions below many links, whose targets wind',
    layers: () => [
      [
        directory('d'),
        ...many(40, (index) => symlink(`l${index}`, `${WINDING}${index === 0 ? 'd' : `l${index - 1}`}`)),
        ...many(200, (index) => whiteout(`l${39 - (index % 2)}/f${index}`)),
      ],
    ],
    outcome: 'image-too-large',
  },
  {
    what: 'hard links through many links, whose targets wind',
    layers: () => [
      [
        directory('d'),
        file('d/f', 'x'),
        ...many(40, (index) => symlink(`l${index}`, `${WINDING}${index === 0 ? 'd' : `l${index - 1}`}`)),
        ...many(200, (index) => hardLink(`h${index}`, 'l39/f')),
      ],
    ],
    outcome: 'image-too-large',
  },
  {
    what: 'links of a lower layer with members below each',
    layers: () => [
      [directory('t'), ...many(3000, (index) => symlink(`l${index}`, 't'))],
      many(3000, (index) => file(`l${index}/f${index}`)),
    ],
    outcome: 'added',
    steps: 300_000,
  },
  {
    what: 'many hard links to a folder with many deletions',
    layers: () => [
      many(2000, (index) => file(`d/f${index}`)),
      [
        ...many(2000, (index) => whiteout(`d/f${index}`)),
        ...many(2000, (index) => hardLink(`h${index}`, 'd')),
      ],
    ],
    outcome: 'layer-corrupt',
  },
  {
    what: 'many deletions below folders that nobody describes',
    layers: () => [
      [directory('x'), file('x/f')],
      many(3000, (index) => whiteout(`${'n/'.repeat(400)}f${index}`)),
    ],
    outcome: 'added',
    steps: 30_000,
  },
  {
    what: 'many layers that change one name in a large folder',
    layers: () => [
      many(2000, (index) => file(`d/f${index}`)),
      ...many(100, (index) => [file(`d/g${index % 3}`, String(index))]),
    ],
    outcome: 'added',
    steps: 700_000,
  },
  {
    what: 'many layers with folders of their own in one',
    layers: () => many(100, (layer) => many(20, (index) => directory(`d/${layer}-${index}`))),
    outcome: 'added',
    steps: 400_000,
  },
  {
    what: 'many files at the end of a deep path',
    layers: () => [
      [
        ...deep(450).map((path) => directory(path)),
        ...many(2000, (index) => file(`${'n/'.repeat(450)}f${index}`)),
      ],
    ],
    outcome: 'added',
    steps: 50_000,
  },
  {
    what: 'one layer thousands of times',
    layers: () => many(8000, () => [file('f')]),
    outcome: 'added',
    steps: 200_000,
  },
];
