import assert from 'node:assert/strict';
import { sha256 } from '../../../publisher/registry/manifest/verify.ts';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { layerContents } from '../../../publisher/layer/content.ts';
import { WatchedBlob, lazyFormOf, tailOf } from '../../../publisher/layer/lazy-pulling.ts';
import { listLayer } from '../../../publisher/layer/listing.ts';
import {
  chunkedFooter,
  crfsFooter,
  estargz,
  landmark,
  skippableFrame,
  stargzFooter,
  stargzIndex,
} from '../../support/images/lazy-layers.ts';
import { directory, file, type LayerEntry } from '../../support/images/layer-entry.ts';
import { storedFrame } from '../../support/images/zstd.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { archiveOf, chunksOf } from './archive.ts';

describe('layer/lazy-pulling', () => {
  const footers: [what: string, tail: Buffer, form: string | undefined][] = [
    ['an eStargz footer', stargzFooter(4711), 'estargz'],
    ['the footer of its forerunner', crfsFooter(4711), 'estargz'],
    ['a footer after other bytes', Buffer.concat([Buffer.alloc(300, 7), stargzFooter(1)]), 'estargz'],
    ['a zstd:chunked footer', chunkedFooter(), 'zstd:chunked'],
    ['an older one', chunkedFooter(40), 'zstd:chunked'],
    ['nothing', Buffer.alloc(0), undefined],
    ['the end of a gzip member', gzipSync('x'), undefined],
    [
      'an eStargz footer with something behind it',
      Buffer.concat([stargzFooter(1), Buffer.alloc(1)]),
      undefined,
    ],
    ['an eStargz footer without its beginning', stargzFooter(1).subarray(2), undefined],
    ['the mark alone', Buffer.from('GNUlInUx'), undefined],
    ['the mark in a frame of another size', skippableFrame(Buffer.from('12345678GNUlInUx')), undefined],
  ];
  for (const [what, tail, form] of footers) {
    it(`takes ${what} for ${form ?? 'no such layer'}`, () => {
      assert.equal(lazyFormOf(tail), form);
    });
  }

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
    [
      'plain gzip with files that are called so',
      all,
      (archive) => gzipSync(archive),
      ['.no.prefetch.landmark', 'd', 'd/a', '.prefetch.landmark', 'b', 'stargz.index.json'],
    ],
    [
      'gzip with such a footer that is no end',
      all,
      (archive) => Buffer.concat([estargz(archive), Buffer.alloc(512)]),
      ['.no.prefetch.landmark', 'd', 'd/a', '.prefetch.landmark', 'b', 'stargz.index.json'],
    ],
    [
      'eStargz with such names in other places, sizes and types',
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

  it('has the same end of a blob, however it is read', async () => {
    const blob = join(await temporaryDirectory('lazy'), 'blob');
    for (const length of [0, 1, 71, 72, 73, 1000]) {
      const bytes = Buffer.from(Array.from({ length }, (_, index) => index % 251));
      await writeFile(blob, bytes);
      assert.deepEqual(await tailOf(blob), bytes.subarray(-72));
      for (const chunkBytes of [1, 50, 72, 5000]) {
        const watched = new WatchedBlob(chunksOf(bytes, chunkBytes));
        for await (const chunk of watched.chunks()) assert.ok(chunk.length > 0);
        assert.deepEqual([watched.tail, watched.sizeBytes], [bytes.subarray(-72), length]);
      }
    }
  });
});

function framesOf(archive: Buffer): Buffer[] {
  return [0, 512, 1024, 1536].map((start, index) =>
    storedFrame(archive.subarray(start, index === 3 ? archive.length : start + 512)),
  );
}
