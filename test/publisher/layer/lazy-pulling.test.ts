import assert from 'node:assert/strict';
import { sha256 } from '../../../core/oci/digest.ts';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { layerContents } from '../../../publisher/layer/content.ts';
import { listLayer } from '../../../publisher/layer/listing.ts';
import {
  chunkedFooter,
  crfsFooter,
  estargz,
  landmark,
  skippableFrame,
  stargzIndex,
} from '../../support/images/lazy-layers.ts';
import { directory, file, type LayerEntry } from '../../support/images/layer-entry.ts';
import { storedFrame } from '../../support/images/zstd.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { archiveOf } from './archive.ts';

describe('publisher/layer/lazy-pulling', () => {
  const plain = [directory('d'), file('d/a', 'content a'), file('b', 'content b')];
  const all = [
    landmark('.no.prefetch.landmark'),
    directory('d'),
    file('d/a', 'content a'),
    landmark('.prefetch.landmark'),
    file('b', 'content b'),
    stargzIndex(),
  ];
  const layers: [
    what: string,
    entries: LayerEntry[],
    compress: (archive: Buffer) => Buffer,
    paths: string[],
  ][] = [
    ['eStargz', all, (archive) => estargz(archive), ['d', 'd/a', 'b']],
    [
      'its forerunner',
      [...plain, stargzIndex()],
      (archive) => estargz(archive, crfsFooter),
      ['d', 'd/a', 'b'],
    ],
    [
      'zstd:chunked, each part in a frame of its own',
      [...plain, landmark('.no.prefetch.landmark')],
      (archive) =>
        Buffer.concat([...framesOf(archive), skippableFrame(Buffer.from('index')), chunkedFooter()]),
      ['d', 'd/a', 'b'],
    ],
    ['the same archive as plain gzip', all, (archive) => gzipSync(archive), ['d', 'd/a', 'b']],
    ['the same archive by itself', all, (archive) => archive, ['d', 'd/a', 'b']],
    [
      'a layer with such names in other places, sizes and types',
      [
        file('d/.prefetch.landmark', '\x0f'),
        file('.prefetch.landmark', 'longer'),
        directory('.no.prefetch.landmark'),
        file('stargz.index.json', '{}'),
        file('b', 'content b'),
        stargzIndex(),
      ],
      (archive) => estargz(archive),
      ['d/.prefetch.landmark', '.prefetch.landmark', '.no.prefetch.landmark', 'stargz.index.json', 'b'],
    ],
  ];
  for (const [what, entries, compress, paths] of layers) {
    it(`lists ${what}, and gives its contents`, async () => {
      const archive = await archiveOf(...entries);
      const blob = join(await temporaryDirectory('lazy'), 'blob');
      const bytes = compress(archive);
      await writeFile(blob, bytes);
      const diffId = sha256(archive);
      const items = [...(await listLayer(blob, diffId)).items];
      assert.deepEqual(
        items.map(({ path }) => path),
        paths,
      );
      const wanted = new Map(
        items.flatMap(({ type, path }, ordinal): [number, string][] =>
          type === 'file' ? [[ordinal, path]] : [],
        ),
      );
      const contents = new Map<string, string>();
      for await (const { path, content } of layerContents({ path: blob, digest: sha256(bytes) }, wanted)) {
        const parts: Uint8Array[] = [];
        for await (const part of content) parts.push(part);
        contents.set(path, Buffer.concat(parts).toString());
      }
      assert.equal(contents.size, wanted.size);
      assert.equal(contents.get('b'), 'content b');
    });
  }
});

function framesOf(archive: Buffer): Buffer[] {
  return [0, 512, 1024, 1536].map((start, index) =>
    storedFrame(archive.subarray(start, index === 3 ? archive.length : start + 512)),
  );
}
