import assert from 'node:assert/strict';
import { rmSync, statSync, truncateSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../../core/oci/digest.ts';
import { hexOf } from '../../../core/oci/digest.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { outputPolicy, type OutputName } from '../../../core/outputs.ts';
import { ANY_IMAGE } from '../../../publisher/image/image-limits.ts';
import type { WantedImage } from '../../../publisher/image/image.ts';
import { layerPath, layerRoot, recordPath } from '../../../publisher/image/layout.ts';
import { Results } from '../../../publisher/image/results.ts';
import { UNLIMITED } from '../../../publisher/layer/limits.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import type { Backend } from '../../../publisher/publication/backend.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import { SpoolBudget } from '../../../publisher/spool/budget.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { image } from '../../support/images/image.ts';
import { file, type LayerEntry } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { quickClient } from '../../support/registry/quick-client.ts';
import { wantedOf } from '../../support/registry/publishing-bench.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { listener, publication, uninterrupted } from '../repository/entries.ts';
import { NAME, Scene } from '../repository/cvmfs/scene.ts';

/** Makes what opens the same repository, as each process does for itself. */
const PLACES: Readonly<Record<string, (folder: string) => Promise<() => Backend>>> = {
  'a directory': async (folder) => {
    const root = join(folder, 'root');
    await mkdir(join(root, NAME), { recursive: true });
    return () => new DirectoryBackend({ root, waitMs: 0, allowPrivileged: false });
  },
  cvmfs_server: async () => {
    const scene = await Scene.make();
    return () => scene.backend();
  },
};

const ALL: readonly OutputName[] = ['layers', 'chains', 'flat', 'podman'];
const BASE = [file('base', 'of all'), file('etc', 'x'.repeat(100))];

for (const [what, make] of Object.entries(PLACES)) {
  describe(`publisher/pipeline/vanishing-layers: in ${what}`, () => {
    let registry: TestRegistry;
    let folder: string;
    let backend: Backend;
    let another: Backend;
    let client: RegistryClient;
    let listings: ListingStore;
    let said: string[];
    let base: Digest;
    let wanted: Readonly<Record<'first' | 'second' | 'other', WantedImage>>;

    beforeEach(async () => {
      registry = await TestRegistry.start();
      folder = await temporaryDirectory('vanishing');
      const place = await make(folder);
      [backend, another] = [place(), place()];
      client = quickClient();
      listings = new ListingStore(join(folder, 'listings'));
      said = [];
      const shared = await layer(BASE);
      base = shared.digest;
      const add = async (
        name: string,
        below: readonly (typeof shared)[],
        own: LayerEntry,
      ): Promise<WantedImage> =>
        wantedOf(
          parseReference(registry.add(`lab/${name}`, '1', image({ layers: [...below, await layer([own])] }))),
        );
      wanted = {
        first: await add('first', [shared], file('first', '1')),
        second: await add('second', [shared], file('second', '2')),
        other: await add('other', [], file('other', '3')),
      };
    });
    afterEach(async () => {
      await client.close();
      await registry.close();
    });

    /** By name, what became of the images. */
    async function publish(
      names: readonly (keyof typeof wanted)[],
      outputs: readonly OutputName[] = ALL,
    ): Promise<Record<string, string>> {
      const publisher = new RepositoryPublisher({
        repository: NAME,
        client,
        listings,
        backend,
        spool: await Spool.open(join(folder, 'spool')),
        budget: new SpoolBudget(2 ** 30),
        observe: (event) => void (event.type === 'note' && said.push(event.message)),
        signal: new AbortController().signal,
        options: {
          outputs: outputPolicy(outputs),
          multiarchLinks: 'never',
          convertAgain: false,
          overwriteLayers: false,
          batches: { bytes: 2 ** 30, images: 100, ageMs: 60_000 },
          downloads: 2,
          layerLimits: UNLIMITED,
          imageLimits: ANY_IMAGE,
          clientRoot: `/cvmfs/${NAME}`,
          onLoss: 'warn',
          sameContent: 'exact',
        },
      });
      try {
        const results = new Results(
          names.map((name) => wanted[name]),
          () => undefined,
        );
        const resolution = await publisher.resolve(
          names.map((name) => wanted[name]),
          results,
        );
        await publisher.publishImages(resolution, () => '');
        const all = results.all().map(({ result }) => result);
        return Object.fromEntries(
          all.map((result, index) => [
            names[index] ?? '',
            result.outcome === 'failed' ? result.code : result.outcome,
          ]),
        );
      } finally {
        publisher.close();
      }
    }

    /** Removes the base as another process does, the next `times` that the repository is about to be opened. */
    function collectBase(times: number): void {
      const open = backend.open.bind(backend);
      backend.open = async (...values) => {
        if (times-- > 0) await removeBase();
        return await open(...values);
      };
    }

    async function removeBase(): Promise<void> {
      const repository = await another.open(NAME, {
        notice: listener().notice,
        signal: uninterrupted().signal,
      });
      try {
        const paths = [layerPath(base), recordPath('layers', hexOf(base))];
        const deletions: string[] = [];
        for (const path of paths)
          if ((await repository.view.kindOf(path)) !== undefined) deletions.push(path);
        await repository.publish(publication([], { deletions }), uninterrupted());
      } finally {
        await repository.release();
      }
    }

    async function read(path: string): Promise<string | undefined> {
      return (await backend.view(NAME).read(path))?.toString();
    }

    async function assertWhole(name: keyof typeof wanted, outputs: readonly OutputName[]): Promise<void> {
      const view = backend.view(NAME);
      const link = (await view.readLink(wanted[name].publicName)) ?? '';
      const root = link.replace(/^(?:\.\.\/)+/, '');
      assert.equal(await read(`${root}/base`), 'of all');
      assert.equal((await read(`${root}/${name}`)) !== undefined, true);
      if (!outputs.includes('layers')) return;
      assert.equal(await read(`${layerRoot(base)}/base`), 'of all');
      assert.notEqual(await read(recordPath('layers', hexOf(base))), undefined);
    }

    const forms: readonly (readonly OutputName[])[] = [ALL, ['layers'], ['flat']];
    for (const outputs of forms) {
      it(`prepares an image again, in the forms ${outputs.join(', ')}`, async () => {
        assert.deepEqual(await publish(['first']), { first: 'published' });
        // Links to all its layers would do for a flat tree.
        if (!outputs.includes('layers')) await publish(['second'], ['layers']);
        collectBase(1);
        const results = await publish(['second', 'other'], outputs);
        assert.deepEqual(results, { second: 'published', other: 'published' });
        if (outputs.includes('flat')) await assertWhole('second', outputs);
        assert.equal(said.filter((line) => /lab\/second:1 is prepared again/.test(line)).length, 1);
      });
    }

    it('fails the image alone where that happens again, and publishes nothing of it', async () => {
      await publish(['first']);
      collectBase(Infinity);
      // Others have published it again whenever an image is prepared.
      const view = backend.view.bind(backend);
      backend.view = (name) => {
        const found = view(name);
        const kindOf = found.kindOf.bind(found);
        found.kindOf = async (path) => {
          if (path === layerRoot(base)) return 'directory';
          return path === recordPath('layers', hexOf(base)) ? 'file' : await kindOf(path);
        };
        return found;
      };
      const results = await publish(['second', 'other']);
      assert.deepEqual(results, { second: 'layer-vanished', other: 'published' });
      assert.equal(await backend.view(NAME).kindOf(wanted.second.publicName), undefined);
    });

    it('prepares an image again whose listing has gone', async () => {
      await publish(['first']);
      const open = backend.open.bind(backend);
      let times = 1;
      backend.open = async (...values) => {
        const hex = hexOf(base);
        if (times-- > 0) rmSync(join(folder, 'listings', hex.slice(0, 2), `${hex}.jsonl`));
        return await open(...values);
      };
      assert.deepEqual(await publish(['second', 'other']), { second: 'published', other: 'published' });
      await assertWhole('second', ALL);
    });

    it('prepares an image again whose listing is cut off', async () => {
      await publish(['first']);
      const path = listings.pathOf(base);
      truncateSync(path, statSync(path).size - 10);
      assert.deepEqual(await publish(['second', 'other']), { second: 'published', other: 'published' });
      await assertWhole('second', ALL);
    });

    it('brings the files that cannot be linked to from the layer as it is fetched again', async () => {
      await publish(['first']);
      const open = backend.open.bind(backend);
      backend.open = async (...values) => {
        const repository = await open(...values);
        Object.defineProperty(repository.view, 'linkableBytes', { value: 0 });
        repository.view.isLinkable = async () => false;
        return repository;
      };
      collectBase(1);
      assert.deepEqual(await publish(['second']), { second: 'published' });
      await assertWhole('second', ALL);
    });

    it('publishes what was found unchanged, and was gone then, in the next run', async () => {
      await publish(['first']);
      collectBase(1);
      assert.deepEqual(await publish(['first', 'other']), { first: 'unchanged', other: 'published' });
      assert.deepEqual(await publish(['first']), { first: 'published' });
      await assertWhole('first', ALL);
    });
  });
}
