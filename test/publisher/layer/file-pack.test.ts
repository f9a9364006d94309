import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../../core/oci/digest.ts';
import { layerContents } from '../../../publisher/layer/content.ts';
import { FilePack, type PackLimits, type PackRule } from '../../../publisher/layer/file-pack.ts';
import { listLayer, type FreshListing } from '../../../publisher/layer/listing.ts';
import { SpoolAside } from '../../../publisher/layer/spool-aside.ts';
import type { FileEntry } from '../../../publisher/publication/entry.ts';
import { pseudoRandom } from '../../support/e2e/pseudo-random.ts';
import { directory, file, hardLink, type LayerEntry } from '../../support/images/layer-entry.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { archiveOf } from './archive.ts';
import { unnamedFiles } from './open-files.ts';

interface Rule extends PackLimits {
  readonly isKept: PackRule;
}

const ALL: Rule = { isKept: () => true, mostBytes: 1e9, mostFiles: 1e6 };
const LARGEST_FILE_BYTES = 700_000;

describe('publisher/layer/file-pack', () => {
  let folder = '';
  let blob = '';
  before(async () => {
    folder = await temporaryDirectory('pack');
    blob = join(folder, 'blob');
  });

  async function packed(
    entries: readonly LayerEntry[],
    { isKept, ...limits }: Rule,
  ): Promise<{ pack: FilePack; archive: Buffer; listing: FreshListing }> {
    const archive = await archiveOf(...entries);
    await writeFile(blob, archive);
    const pack = new FilePack(new SpoolAside(join(folder, 'pack')), limits);
    const listing = await listLayer(blob, sha256(archive), { aside: { pack, isKept } });
    return { pack, archive, listing };
  }

  it('gives what the blob gives, whatever of its files is wanted', async () => {
    const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
    const next = pseudoRandom(seed);
    const random = (limit: number): number => Math.floor(next() * limit);
    const entries: LayerEntry[] = [directory('d')];
    for (let number = 0; number < 60; number++) {
      const bytes = Buffer.alloc(random([2, 5_000, LARGEST_FILE_BYTES][random(3)] ?? 0), `${number} `);
      const attributes = { mode: random(0o10000), uid: random(9), gid: random(9), mtime: random(2e9) + 0.5 };
      entries.push(file(`d/f${random(50)}`, bytes, attributes));
      if (random(5) === 0) entries.push(hardLink(`h${number}`, 'd/f1'), directory(`d${number}`));
    }
    const files = entries.flatMap(({ type }, ordinal) => (type === 'file' ? [ordinal] : []));
    for (let time = 0; time < 20; time++) {
      const wanted = new Map(
        files.filter(() => random(3) > 0).map((ordinal) => [ordinal, `x/${ordinal}`] as const),
      );
      const { pack, archive } = await packed(entries, ALL);
      assert.ok(pack.hasAll(wanted));
      const fromBlob = layerContents({ path: blob, digest: sha256(archive) }, wanted);
      assert.deepEqual(await read(pack.entries(wanted)), await read(fromBlob), `UNPACKD_TEST_SEED=${seed}`);
      assert.ok(!pack.hasAll(wanted), 'it can be read once');
    }
  });

  it('lists a layer as without it', async () => {
    const entries = [directory('d'), file('d/a', 'a'), file('b', 'b'.repeat(600_000)), file('c')];
    for (const rule of [ALL, { ...ALL, isKept: () => false }, { ...ALL, mostBytes: 5 }]) {
      const { pack, archive, listing } = await packed(entries, rule);
      const plain = await listLayer(blob, sha256(archive));
      assert.deepEqual([...listing.items], [...plain.items]);
      for (let row = 0; row < plain.items.length; row++)
        assert.deepEqual(listing.contents.at(row), plain.contents.at(row));
      await pack.close();
    }
  });

  it('has what its rule keeps, and takes no more room than that', async () => {
    const entries = [
      file('a', 'a'.repeat(600_000)),
      file('b', 'bb'),
      file('c', 'c'.repeat(600_000)),
      file('d', 'd'),
    ];
    const rule = { ...ALL, isKept: ({ path }: { path: string }) => 'bd'.includes(path), mostBytes: 3 };
    const { pack } = await packed(entries, rule);
    assert.equal(pack.sizeBytes, 3);
    const [a, b, d] = [[0, 'a'] as const, [1, 'b'] as const, [3, 'd'] as const];
    assert.ok(!pack.hasAll(new Map([a, b])));
    assert.ok(!pack.hasAll(new Map([[7, 'nothing']])));
    const found = await read(pack.entries(new Map([b, d])));
    assert.deepEqual(
      found.map(({ path, content }) => [path, content]),
      [
        ['b', 'bb'],
        ['d', 'd'],
      ],
    );
  });

  for (const [what, rule] of Object.entries({
    'more is to be kept than it may take': { ...ALL, mostBytes: 4 },
    'a file is to be kept that is larger': { ...ALL, mostBytes: 1_000 },
  }))
    it(`has nothing where ${what}`, async () => {
      const { pack } = await packed([file('a', 'aaa'), file('b', 'b'.repeat(600_000)), file('c', 'c')], rule);
      assert.ok(!pack.isOpen);
      assert.ok(!pack.hasAll(new Map([[0, 'a']])));
    });

  it('has nothing of a layer with more files than it may have', async () => {
    const { pack } = await packed([file('a', 'a'), file('b'), file('c', 'c')], { ...ALL, mostFiles: 2 });
    assert.ok(!pack.hasAll(new Map([[0, 'a']])));
  });

  it('has nothing of sparse files, which blobs have without their holes', async () => {
    const sparse = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '4096' };
    const map = Buffer.alloc(512);
    map.write('1\n0\n1\n');
    const { pack } = await packed([file('s', Buffer.concat([map, Buffer.from('x')]), { pax: sparse })], ALL);
    assert.ok(!pack.hasAll(new Map([[0, 's']])));
    await pack.close();
  });

  for (const failing of ['write', 'keep', 'drop'] as const)
    it(`has nothing where it cannot be written (${failing})`, async () => {
      const contents = new SpoolAside(join(folder, 'pack'));
      contents[failing] = () => {
        throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      };
      const pack = new FilePack(contents, ALL);
      const archive = await archiveOf(file('a', 'a'), file('b', 'b'));
      await writeFile(blob, archive);
      const aside = { pack, isKept: ({ path }: { path: string }) => path === 'a' };
      assert.equal((await listLayer(blob, sha256(archive), { aside })).items.length, 2);
      assert.ok(!pack.isOpen);
      assert.deepEqual(unnamedFiles(folder), []);
    });

  it('finds content that has changed, and is no pack any more then', async () => {
    const { pack } = await packed([file('a', 'a'.repeat(600_000)), file('b', 'b')], ALL);
    const path = unnamedFiles(join(folder, 'pack'))[0] ?? assert.fail();
    const handle = await open(path, 'r+');
    await handle.write('x', 550_000);
    await handle.close();
    await assert.rejects(read(pack.entries(new Map([[0, 'a']]))), { code: 'digest-mismatch' });
    assert.ok(!pack.hasAll(new Map([[1, 'b']])));
    assert.deepEqual(unnamedFiles(folder), []);
  });

  it('has no name, so that nobody else can open it', async () => {
    const { pack } = await packed([file('a', 'a')], ALL);
    assert.deepEqual(readdirSync(folder), ['blob']);
    await pack.close();
    assert.ok(!pack.hasAll(new Map()));
    await assert.rejects(read(pack.entries(new Map([[0, 'a']]))), /closed before it was read/);
  });
});

type Read = Omit<FileEntry, 'content'> & { readonly content: string };

async function read(entries: AsyncIterable<FileEntry>): Promise<Read[]> {
  const found: Read[] = [];
  for await (const entry of entries) {
    const parts: Uint8Array[] = [];
    for await (const part of entry.content) parts.push(part);
    const content = Buffer.concat(parts).toString('latin1');
    assert.equal(content.length, entry.sizeBytes);
    found.push({ ...entry, content });
  }
  return found;
}
