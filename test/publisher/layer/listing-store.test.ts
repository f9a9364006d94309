import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Listing } from '../../../publisher/layer/listing.ts';
import type { ListingItem } from '../../../publisher/layer/listing-items.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { openFiles } from './open-files.ts';

const LAYER: Digest = `sha256:ab${'0'.repeat(62)}`;
const OTHER: Digest = `sha256:cd${'0'.repeat(62)}`;
const DIFF_ID: Digest = `sha256:${'1'.repeat(64)}`;

/** Every byte that a name can hold, and those that end lines for some readers of text. */
const BYTES = String.fromCharCode(...Array.from({ length: 255 }, (_, index) => index + 1));

const PLAIN: ListingItem = {
  type: 'file',
  path: 'a',
  attributes: { mode: 0o644, uid: 0, gid: 0, mtime: 0 },
  sizeBytes: 0,
  target: '',
  major: 0,
  minor: 0,
  xattrs: new Map(),
};

/** Many members have the same. */
const SHARED = new Map([['user.shared', 'x'.repeat(60_000)]]);

const ITEMS: ListingItem[] = [
  { ...PLAIN, type: 'directory', path: '', attributes: { mode: 0o1777, uid: 5, gid: 6, mtime: -1.25 } },
  {
    ...PLAIN,
    path: BYTES,
    sizeBytes: Number.MAX_SAFE_INTEGER,
    attributes: { mode: 0o7777, uid: 0xffff_fffe, gid: 1, mtime: 1e12 },
  },
  {
    ...PLAIN,
    path: 'x',
    xattrs: new Map([
      ['security.capability', `\0${BYTES}`],
      ['user.empty', ''],
      [BYTES, 'x'],
    ]),
  },
  { ...PLAIN, path: 'shared-1', xattrs: SHARED },
  { ...PLAIN, path: 'shared-2', xattrs: SHARED },
  { ...PLAIN, type: 'link', path: 'l', target: `d/${BYTES}` },
  { ...PLAIN, type: 'symlink', path: 's', target: BYTES },
  { ...PLAIN, type: 'character-device', path: 'c', major: 1, minor: 3 },
  { ...PLAIN, type: 'block-device', path: 'b', major: 8, minor: 65_535 },
  { ...PLAIN, type: 'fifo', path: 'p' },
  { ...PLAIN, path: 'a' },
  { ...PLAIN, path: 'a' },
  { ...PLAIN, path: '__proto__', target: '\x85\u00a0' },
];

const LISTING: Listing = {
  diffId: DIFF_ID,
  sizeBytes: 123_456,
  blobBytes: 4_711,
  compression: 'zstd',
  items: ITEMS,
};

describe('publisher/layer/listing-store', () => {
  let directory = '';
  let store: ListingStore;
  beforeEach(async () => {
    directory = join(await temporaryDirectory('listings'), 'made', 'when', 'needed');
    store = new ListingStore(directory);
  });

  const pathOf = (layer: Digest) => join(directory, layer.slice(7, 9), `${layer.slice(7)}.jsonl`);

  /** With its items as a plain array. */
  async function loaded(layer: Digest): Promise<Listing | undefined> {
    const listing = await store.load(layer);
    return listing && { ...listing, items: [...listing.items] };
  }

  it('gives back what was saved', async () => {
    await store.save(LAYER, LISTING);
    assert.deepEqual(await loaded(LAYER), LISTING);
    assert.equal((await store.headerOf(LAYER))?.diffId, DIFF_ID);
    assert.equal((await store.headerOf(LAYER))?.sizeBytes, LISTING.sizeBytes);
  });

  it('keeps a listing without members', async () => {
    const empty: Listing = { ...LISTING, sizeBytes: 0, items: [] };
    await store.save(LAYER, empty);
    assert.deepEqual(await loaded(LAYER), empty);
  });

  it('keeps listings of several pieces, and each layer by itself', async () => {
    const items = Array.from({ length: 20_000 }, (_, index) => ({ ...PLAIN, path: `d/${index}/\xe9` }));
    await store.save(LAYER, { ...LISTING, items });
    await store.save(OTHER, LISTING);
    assert.deepEqual((await loaded(LAYER))?.items, items);
    assert.deepEqual((await loaded(OTHER))?.items, ITEMS);
  });

  it('replaces a listing, and leaves nothing else behind', async () => {
    await store.save(LAYER, { ...LISTING, items: [] });
    await store.save(LAYER, LISTING);
    assert.equal((await store.load(LAYER))?.items.length, ITEMS.length);
    assert.deepEqual(await readdir(join(directory, 'ab')), [`${LAYER.slice(7)}.jsonl`]);
  });

  it('leaves nothing behind of what it could not save', async () => {
    await mkdir(join(pathOf(LAYER), 'in the way'), { recursive: true });
    await assert.rejects(store.save(LAYER, LISTING));
    assert.deepEqual(await readdir(join(directory, 'ab')), [`${LAYER.slice(7)}.jsonl`]);
  });

  it('knows nothing of a layer that was never saved', async () => {
    assert.equal(await store.load(LAYER), undefined);
    assert.equal(await store.headerOf(LAYER), undefined);
  });

  it('keeps no file open', async () => {
    await store.save(LAYER, LISTING);
    await store.load(LAYER);
    await store.headerOf(LAYER);
    await change((text) => text.slice(0, -10));
    await store.load(LAYER);
    assert.deepEqual(await openFiles(pathOf(LAYER)), []);
  });

  describe('takes for missing', () => {
    const cases: [what: string, change: (text: string) => string, isHeaderSound?: 'header sound'][] = [
      ['an empty file', () => ''],
      ['what is no JSON', () => 'listing\n'],
      ['a file of zeros', (text) => '\0'.repeat(text.length)],
      ['a listing of another format', (text) => text.replace(/"format":\d+/, '"format":2')],
      ['a diff ID that is none', (text) => text.replace(DIFF_ID, 'sha256:1')],
      ['a listing without header', (text) => text.slice(text.indexOf('\n') + 1)],
      [
        'a listing that lacks its last line',
        (text) => text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1),
        'header sound',
      ],
      ['a listing that ends in a line', (text) => text.slice(0, -10), 'header sound'],
      ['a listing with a line too many', (text) => `${text}${text.split('\n')[1] ?? ''}\n`, 'header sound'],
      ['a listing with a block twice', (text) => text.replace(/\n(\[.*\n)/, '\n$1$1'), 'header sound'],
      ['an unknown type', (text) => text.replace('"fifo"', '"socket"'), 'header sound'],
      [
        'a size that is no number',
        (text) => text.replace(String(Number.MAX_SAFE_INTEGER), '"1"'),
        'header sound',
      ],
      ['a line that is no list', (text) => text.replace(/\n\[.*\n/, '\n{}\n'), 'header sound'],
      ['an empty line', (text) => text.replace(/\n\[.*\n/, '\n\n'), 'header sound'],
    ];
    for (const [what, damage, isHeaderSound] of cases) {
      it(what, async () => {
        await store.save(LAYER, LISTING);
        await change(damage);
        assert.equal(
          (await store.headerOf(LAYER))?.diffId,
          isHeaderSound === undefined ? undefined : DIFF_ID,
        );
        assert.equal(await store.load(LAYER), undefined);
        // Its layer is listed again.
        assert.equal(await store.headerOf(LAYER), undefined);
        await store.save(LAYER, LISTING);
        assert.deepEqual(await loaded(LAYER), LISTING);
      });
    }
  });

  async function change(damage: (text: string) => string): Promise<void> {
    const text = await readFile(pathOf(LAYER), 'utf8');
    const changed = damage(text);
    assert.notEqual(changed, text);
    await writeFile(pathOf(LAYER), changed);
  }
});
