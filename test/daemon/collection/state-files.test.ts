import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hexOf, sha256, type Digest } from '../../../core/oci/digest.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { removeUnusedState } from '../../../daemon/collection/state-files.ts';
import { StateStore } from '../../../daemon/cycle/state-store.ts';
import { openState } from '../../../daemon/state/open-state.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import { PackedItems } from '../../../publisher/layer/listing-items.ts';
import { ManifestFiles } from '../../../publisher/registry/manifest/manifest-cache.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const DAY_MS = 86_400_000;
const REPOSITORY = 'images.unpackd.test';
const [KNOWN, UNKNOWN] = ['known', 'unknown'].map((text) => sha256(Buffer.from(text))) as [Digest, Digest];
const REFERENCE = parseReference('quay.io/lab/tool:1');

describe('daemon/collection/state-files', () => {
  let state: string;
  let store: StateStore;
  let listings: ListingStore;
  let manifests: ManifestFiles;

  beforeEach(async () => {
    state = await temporaryDirectory('state');
    listings = new ListingStore(join(state, 'listings'));
    manifests = new ManifestFiles(join(state, 'manifests'));
    for (const layer of [KNOWN, UNKNOWN])
      await listings.save(layer, {
        diffId: layer,
        sizeBytes: 1,
        blobBytes: 1,
        compression: 'gzip',
        items: new PackedItems(),
      });
    const document = Buffer.from('{}');
    const documents = new Map([[sha256(document), document]]);
    await manifests.set(REFERENCE, { digest: sha256(document), etag: undefined, documents });
    const opened = await openState(state, assert.fail);
    const layers = [{ digest: KNOWN, bytes: 1 }];
    const image = { publicName: 'a', platform: 'linux/amd64', image: 'a', config: 'sha256:c', layers };
    await opened.images.replace(REPOSITORY, [{ ...image, publishedMs: 1 }], 1);
    await opened.close();
    store = new StateStore({
      open: async () => await openState(state, assert.fail),
      warn: assert.fail,
      note: assert.fail,
      nowMs: Date.now,
      readOnlyWishes: true,
    });
  });
  afterEach(async () => await store.close());

  /** @returns what it says */
  async function after(days: number): Promise<string | undefined> {
    const signal = new AbortController().signal;
    return await removeUnusedState({ state }, store, { nowMs: Date.now() + days * DAY_MS, signal });
  }

  const isThere = (layer: Digest): boolean =>
    existsSync(join(state, 'listings', hexOf(layer).slice(0, 2), `${hexOf(layer)}.jsonl`));

  it('removes what nobody used for a month, but not listings of layers that an image has', async () => {
    assert.equal(await after(29), undefined);
    assert.deepEqual([isThere(KNOWN), isThere(UNKNOWN)], [true, true]);
    assert.match((await after(31)) ?? '', /^removed 2 files \(.*\) from the state directory/);
    assert.deepEqual([isThere(KNOWN), isThere(UNKNOWN)], [true, false]);
    assert.equal(await manifests.get(REFERENCE), undefined);
    assert.equal((await listings.load(KNOWN))?.diffId, KNOWN);
  });

  it('keeps what was used meanwhile', async () => {
    const old = new Date(Date.now() - 40 * DAY_MS);
    const folders = ['listings', 'manifests'].map((name) => join(state, name));
    for (const folder of folders)
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
        utimesSync(join(folder, name), old, old);
    await listings.headerOf(UNKNOWN);
    await manifests.get(REFERENCE);
    assert.equal(await after(0), undefined);
    assert.equal(isThere(UNKNOWN), true);
  });

  it('keeps all listings while a repository was not looked into', async () => {
    const opened = await openState(state, assert.fail);
    await opened.repositories.ensure(['other.unpackd.test']);
    await opened.close();
    await after(31);
    assert.deepEqual([isThere(KNOWN), isThere(UNKNOWN)], [true, true]);
  });

  it('removes what was left half written, in all its folders', async () => {
    const part = '.01234567-89ab-4def-8123-456789abcdef.part';
    const paths = ['x', 'sources/x', 'sources/lab/x', `listings/ab/x`, 'manifests/ab/x'];
    for (const path of paths.map((one) => join(state, `${one}${part}`))) {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, '');
    }
    assert.match((await after(2)) ?? '', /^removed 5 files /);
  });
});
