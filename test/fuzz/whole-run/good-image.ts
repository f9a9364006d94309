import { gzipSync } from 'node:zlib';
import { archiveOf } from '../../publisher/layer/archive.ts';
import {
  directory,
  file,
  hardLink,
  opaque,
  symlink,
  whiteout,
  type LayerEntry,
} from '../../support/images/layer-entry.ts';
import { buildImage, digestOf, type TestImage, type TestLayer } from '../../support/registry/image.ts';

export const GOOD = { repository: 'lab/good', tag: '1' } as const;

const DATA = directory('usr/data', { mode: 0o775, uid: 1000, gid: 1000 });

/** An image as people have it: a base, and something upon it that changes, deletes and adds. */
export async function goodImage(): Promise<{
  readonly image: TestImage;
  readonly layers: readonly TestLayer[];
}> {
  const base = await layerOf([
    directory('etc'),
    file('etc/release', 'base\n'),
    directory('usr'),
    DATA,
    ...Array.from({ length: 20 }, (_, at) => file(`usr/data/${at}`, `${at}\n`.repeat(2_000))),
    hardLink('usr/data/linked', 'usr/data/1'),
    symlink('bin', 'usr/bin'),
    directory('usr/old'),
    file('usr/old/f', 'old'),
  ]);
  const upper = await layerOf([
    directory('etc'),
    file('etc/release', 'good\n', { mode: 0o600 }),
    directory('usr'),
    DATA,
    whiteout('usr/data/2'),
    directory('usr/old'),
    opaque('usr/old'),
    file('usr/old/g', 'new'),
    directory('usr/bin'),
    file('usr/bin/tool', '#!/bin/sh\n', { mode: 0o755 }),
  ]);
  return { image: buildImage({ layers: [base, upper] }), layers: [base, upper] };
}

async function layerOf(entries: readonly LayerEntry[]): Promise<TestLayer> {
  const archive = await archiveOf(...entries);
  const bytes = gzipSync(archive);
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', bytes, diffId: digestOf(archive) };
}
