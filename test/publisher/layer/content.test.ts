import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { layerContents, type LayerBlob } from '../../../publisher/layer/content.ts';
import { sha256 } from '../../../core/oci/digest.ts';
import { directory, file, hardLink, symlink } from '../../support/images/layer-entry.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { archiveOf } from './archive.ts';
import { openFiles } from './open-files.ts';

const ONE = '1'.repeat(5_000_000);

/** Ordinals count all members: 1, 3, 4, 6 and 7 are files. */
const ENTRIES = [
  directory('d'),
  file('d/one', ONE),
  symlink('s', 'd'),
  file('empty', '', { mode: 0o600, uid: 3 }),
  file('d/one', 'again'),
  hardLink('h', 'd/one'),
  file('two', '2'.repeat(700)),
  file('three', '3'),
];

/** As it is now. */
async function blobAt(path: string): Promise<LayerBlob> {
  return { path, digest: sha256(await readFile(path)) };
}

describe('publisher/layer/content', () => {
  let folder = '';
  let blob = '';
  before(async () => {
    folder = await temporaryDirectory('content');
    blob = join(folder, 'blob');
    // As it is, so that much of it is not read yet when the first file is found.
    await writeFile(blob, await archiveOf(...ENTRIES));
  });

  const cases: [what: string, wanted: [number, string][], expected: [path: string, content: string][]][] = [
    ['nothing', [], []],
    ['the first', [[1, 'here']], [['here', ONE]]],
    ['one after others', [[6, 'x/two']], [['x/two', '2'.repeat(700)]]],
    ['an empty one', [[3, 'e']], [['e', '']]],
    ['the second of one name', [[4, 'one']], [['one', 'again']]],
    [
      'several, in the order of the archive',
      [
        [7, 'c'],
        [1, 'a'],
        [4, 'b'],
      ],
      [
        ['a', ONE],
        ['b', 'again'],
        ['c', '3'],
      ],
    ],
  ];
  for (const [what, wanted, expected] of cases) {
    it(`gives ${what}`, async () => {
      const found: [string, string][] = [];
      for await (const entry of layerContents(await blobAt(blob), new Map(wanted))) {
        const parts: Uint8Array[] = [];
        for await (const part of entry.content) parts.push(part);
        const content = Buffer.concat(parts);
        assert.equal(entry.sizeBytes, content.length);
        found.push([entry.path, content.toString()]);
      }
      assert.deepEqual(found, expected);
      assert.deepEqual(await openFiles(blob), []);
    });
  }

  it('gives the attributes of the member', async () => {
    for await (const entry of layerContents(await blobAt(blob), new Map([[3, 'e']]))) {
      assert.equal(entry.type, 'file');
      assert.deepEqual(entry.attributes, { mode: 0o600, uid: 3, gid: 0, mtime: 1_700_000_000 });
    }
  });

  it('closes the blob when its reader stops early', async () => {
    for await (const entry of layerContents(
      await blobAt(blob),
      new Map([
        [1, 'a'],
        [7, 'c'],
      ]),
    )) {
      assert.equal(entry.path, 'a');
      break;
    }
    assert.deepEqual(await openFiles(blob), []);
  });

  it('fails where the archive has fewer members', async () => {
    const contents = layerContents(await blobAt(blob), new Map([[8, 'a']]));
    await assert.rejects(contents.next(), /holds 0 of 1 files/);
    assert.deepEqual(await openFiles(blob), []);
  });

  it('fails where the blob has been damaged since', async () => {
    const damaged = join(folder, 'damaged');
    await writeFile(damaged, gzipSync(await archiveOf(...ENTRIES)).subarray(0, -100));
    await assert.rejects(
      async () => {
        for await (const entry of layerContents(
          await blobAt(damaged),
          new Map([
            [1, 'a'],
            [7, 'c'],
          ]),
        )) {
          for await (const part of entry.content) assert.ok(part.length > 0);
        }
      },
      { code: 'layer-corrupt' },
    );
  });

  const changes: readonly (readonly [what: string, change: (archive: Buffer) => Buffer])[] = [
    ['the content of a wanted file', (archive) => edited(archive, ONE.slice(0, 99), '2'.repeat(99))],
    ['what comes after all that is wanted', (archive) => Buffer.concat([archive, Buffer.alloc(512)])],
    ['its form', (archive) => gzipSync(archive)],
    ['everything, to what does not decompress', (archive) => gzipSync(archive).subarray(0, -100)],
    ['everything, to what is no archive', () => Buffer.alloc(10_000, 'x')],
    ['everything, to nothing', () => Buffer.alloc(0)],
  ];
  for (const [what, change] of changes) {
    it(`fails, and removes the blob, where somebody changes ${what} after it was verified`, async () => {
      const changed = join(folder, 'changed');
      const archive = await archiveOf(...ENTRIES);
      await writeFile(changed, archive);
      const verified = await blobAt(changed);
      await writeFile(changed, change(archive));
      await assert.rejects(
        async () => {
          for await (const { content } of layerContents(verified, new Map([[1, 'a']])))
            for await (const part of content) assert.ok(part.length > 0);
        },
        { code: 'digest-mismatch' },
      );
      assert.ok(!existsSync(changed));
    });
  }
});

function edited(archive: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(archive);
  copy.write(to, copy.indexOf(from));
  return copy;
}
