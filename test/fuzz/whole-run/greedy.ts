import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { sparseInPairs } from '../../support/images/sparse.ts';
import { pax } from '../../publisher/layer/archive.ts';
import type { Random } from '../../publisher/tree/random-stacks.ts';
import type { Stack } from '../../publisher/tree/stack.ts';
import { amount, oneIn, pick } from './choices.ts';

/** Layers that cost their maker little, and whoever unpacks them much: time, memory, disk or inodes. */
export const GREEDY: readonly ((random: Random) => { what: string; layers: Stack })[] = [
  (random) => {
    const [names, members] = [much(random, 400), much(random, 5_000)];
    const attributes = Object.fromEntries(
      list(names, (at) => [`SCHILY.xattr.user.${at}`, 'v'.repeat(amount(random, 300))]),
    );
    const header: LayerEntry = { type: 'raw', bytes: pax(attributes, 'g') };
    return one(`${names} attributes of each of ${members} files`, [
      header,
      ...list(members, (at) => file(`f${at}`)),
    ]);
  },
  (random) => {
    const links = much(random, 80_000);
    return one(`${links} hard links`, [file('f', 'x'), ...list(links, (at) => hardLink(`l${at}`, 'f'))]);
  },
  (random) => {
    const [links, deletions] = [much(random, 20_000), much(random, 20_000)];
    const below = [file('f', 'x'), ...list(links, (at) => hardLink(`l${at}`, 'f'))];
    return {
      what: `${deletions} deletions of ${links} links`,
      layers: [below, list(deletions, (at) => whiteout(`l${at}`))],
    };
  },
  (random) => {
    const files = much(random, 60_000);
    return one(
      `${files} files`,
      list(files, (at) => file(`d${at % 100}/${at}`)),
    );
  },
  (random) => {
    const [depth, times] = [much(random, 500), much(random, 2_000)];
    const path = 'd/'.repeat(depth);
    return one(
      `${times} files, ${depth} folders deep`,
      list(times, (at) => file(`${path}${at}`)),
    );
  },
  (random) => {
    const [length, times] = [much(random, 4_000), much(random, 5_000)];
    const target = 'a/'.repeat(length / 2);
    return one(
      `${times} links of ${length} bytes`,
      list(times, (at) => symlink(`s${at}`, `${target}${at}`)),
    );
  },
  (random) => {
    const links = much(random, 20_000);
    return one(`a chain of ${links} links with files below`, [
      directory('l0'),
      ...list(links, (at) => symlink(`l${at + 1}`, `l${at}`)),
      ...list(links, (at) => file(`l${links - at}/f${at}`)),
    ]);
  },
  (random) => {
    const [size, files] = [much(random, 2 ** 34), much(random, 50)];
    const bytes = list(files, (at) => sparseInPairs(`f${at}`, [[0, Buffer.from('x')]], size));
    return one(
      `${files} holes of ${size} bytes`,
      list(files, (at) => ({ type: 'raw', bytes: bytes[at] ?? Buffer.of() })),
    );
  },
  (random) => {
    const mebibytes = much(random, 200);
    return one(
      `${mebibytes} MiB of zeros`,
      list(mebibytes, (at) => file(`z${at}`, Buffer.alloc(2 ** 20))),
    );
  },
  (random) => {
    const layer = [file('d/f', 'x'), pick(random, [whiteout('d'), opaque('d'), hardLink('h', 'd/f')])];
    const times = much(random, 10_000);
    return { what: `the same layer ${times} times`, layers: list(times, () => layer) };
  },
  (random) => {
    const [layers, files] = [much(random, 490), much(random, 100)];
    return {
      what: `${layers} layers of ${files} files`,
      layers: list(layers, (layer) => list(files, (at) => file(`d/${at}`, `${layer}`))),
    };
  },
  (random) => {
    const [folders, layers] = [much(random, 20_000), much(random, 400)];
    const below = list(folders, (at) => directory(`wide/${at}`));
    return {
      what: `${layers} layers upon a folder of ${folders}`,
      layers: [
        below,
        ...list(layers, (at) => [directory('wide', { mode: 0o700 + (at % 64) }), file(`wide/f${at}`)]),
      ],
    };
  },
];

/** Mostly small, and often close to `most`. */
function much(random: Random, most: number): number {
  return oneIn(random, 2) ? amount(random, most) : most - random(Math.ceil(most / 3));
}

function list<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

function one(what: string, entries: readonly LayerEntry[]): { what: string; layers: Stack } {
  return { what, layers: [entries] };
}
