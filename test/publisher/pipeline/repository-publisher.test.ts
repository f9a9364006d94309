import assert from 'node:assert/strict';
import { outputPolicy } from '../../../core/outputs.ts';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../../../publisher/image/events.ts';
import { ANY_IMAGE } from '../../../publisher/image/image-limits.ts';
import type { WantedImage } from '../../../publisher/image/image.ts';
import { Results } from '../../../publisher/image/results.ts';
import { UNLIMITED } from '../../../publisher/layer/limits.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import type { PublishingSetup } from '../../../publisher/pipeline/context.ts';
import { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import {
  RepositoryOvertaken,
  type Backend,
  type OpenRepository,
  type Publication,
} from '../../../publisher/publication/backend.ts';
import type { Entry } from '../../../publisher/publication/entry.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import { SpoolBudget } from '../../../publisher/spool/budget.ts';
import { noSpool } from '../../../publisher/spool/no-spool.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import { Failure, isFailure, type FailureCode } from '../../../core/failure.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { image } from '../../support/images/image.ts';
import { file as member } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { quickClient } from '../../support/registry/quick-client.ts';
import { wantedOf } from '../../support/registry/publishing-bench.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { directoryEntry, fileEntry, publication } from '../repository/entries.ts';
import { NAME, Scene } from '../repository/cvmfs/scene.ts';

const PLACES: Readonly<Record<string, (folder: string) => Promise<Backend>>> = {
  'a directory': async (folder) => {
    const root = join(folder, 'root');
    await mkdir(join(root, NAME), { recursive: true });
    return new DirectoryBackend({ root, waitMs: 0, allowPrivileged: false });
  },
  cvmfs_server: async () => (await Scene.make()).backend(),
};

const TREE = [directoryEntry('old'), directoryEntry('old/sub'), fileEntry('old/sub/f', 'first')];
const REMOVAL = publication([fileEntry('new', 'second')], { deletions: ['old'] });

function fails(code: FailureCode): (error: unknown) => boolean {
  return (error) => isFailure(error, code);
}

/** Runs `change` on the repository each time it is opened. */
function whenOpened(backend: Backend, change: (repository: OpenRepository) => void): void {
  const open = backend.open.bind(backend);
  backend.open = async (...values) => {
    const repository = await open(...values);
    change(repository);
    return repository;
  };
}

for (const [what, make] of Object.entries(PLACES)) {
  describe(`publisher/pipeline/repository-publisher: a publication without images into ${what}`, () => {
    let backend: Backend;
    let setup: PublishingSetup;
    let publisher: RepositoryPublisher;
    let client: RegistryClient;
    let events: Event[];
    let stop: AbortController;
    let stopPublishing: AbortController;

    beforeEach(async () => {
      const folder = await temporaryDirectory('publisher');
      backend = await make(folder);
      events = [];
      stop = new AbortController();
      stopPublishing = new AbortController();
      client = quickClient();
      setup = {
        repository: NAME,
        client,
        spool: await Spool.open(join(folder, 'spool')),
        listings: new ListingStore(join(folder, 'listings')),
        budget: new SpoolBudget(2 ** 30),
        backend,
        observe: (event) => void events.push(event),
        signal: stop.signal,
        publishSignal: stopPublishing.signal,
        options: {
          outputs: outputPolicy(['layers', 'flat']),
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
      };
      publisher = new RepositoryPublisher(setup);
      await publisher.publish(publication(TREE), 'preparation');
    });
    afterEach(async () => {
      publisher.close();
      await client.close();
    });

    const read = async (path: string): Promise<string | undefined> =>
      (await publisher.view.read(path))?.toString();

    async function assertUnchanged(): Promise<void> {
      assert.equal(await read('old/sub/f'), 'first');
      assert.equal(await read('new'), undefined);
    }

    async function assertRemoved(): Promise<void> {
      assert.equal(await publisher.view.kindOf('old'), undefined);
      assert.equal(await read('new'), 'second');
    }

    it('deletes a tree and adds a file, with the events of every publication', async () => {
      events = [];
      whenOpened(backend, (repository) => (repository.revision = () => 7));
      await publisher.publish(REMOVAL, 'removal');
      await assertRemoved();
      assert.equal(publisher.publications, 2);
      const [started, ...rest] = events.filter(({ type }) => type !== 'publication-bytes');
      const [finished, ...others] = rest;
      assert.deepEqual(started, {
        type: 'publication-started',
        repository: NAME,
        images: 0,
        contentBytes: 0,
        title: 'removal',
      });
      assert.ok(finished?.type === 'publication-finished' && finished.error === undefined);
      assert.equal(finished.revision, 7);
      assert.equal(typeof finished.inputWaitMs, what === 'cvmfs_server' ? 'number' : 'undefined');
      assert.deepEqual([finished.layers, others], [[], []]);
    });

    it('needs no spool', async () => {
      const other = new RepositoryPublisher({ ...setup, spool: noSpool('/nowhere') });
      await other.publish(REMOVAL, 'removal');
      await assertRemoved();
      assert.equal(await other.freeStorage('garbage collection'), false);
      other.close();
    });

    it('is composed while the repository is held, from what is published then', async () => {
      const seen: (string | undefined)[] = [];
      const compose = async ({ view }: OpenRepository): Promise<Publication> => {
        seen.push(await view.kindOf('old'));
        return REMOVAL;
      };
      await Promise.all([publisher.publish(REMOVAL, 'one'), publisher.publish(compose, 'other')].map(ended));
      assert.deepEqual(seen, [undefined]);
    });

    it('is composed again where another program published meanwhile, and not for ever', async () => {
      let left = 1;
      whenOpened(backend, (repository) => {
        const publish = repository.publish.bind(repository);
        repository.publish = async (...values) => {
          if (left-- > 0) throw new RepositoryOvertaken(NAME);
          await publish(...values);
        };
      });
      let composed = 0;
      const compose = async (): Promise<Publication> => {
        composed++;
        return REMOVAL;
      };
      await publisher.publish(compose, 'removal');
      await assertRemoved();
      assert.equal(composed, 2);
      left = Infinity;
      await assert.rejects(publisher.publish(compose, 'removal'), fails('repository-busy'));
      assert.equal(composed, 6);
    });

    it('publishes nothing where there is nothing to change', async () => {
      events = [];
      await publisher.publish(async () => undefined, 'removal');
      await assertUnchanged();
      assert.equal(publisher.publications, 1);
      assert.deepEqual(events, []);
    });

    it('changes nothing where it is interrupted, and can be tried again', async () => {
      const interrupted = publication(
        (async function* (): AsyncGenerator<Entry> {
          yield fileEntry('new', 'second');
          stopPublishing.abort(new Failure('interrupted', 'stopped'));
        })(),
        { deletions: ['old'] },
      );
      await assert.rejects(publisher.publish(interrupted, 'removal'), fails('interrupted'));
      await assertUnchanged();
      const again = new RepositoryPublisher({ ...setup, publishSignal: stop.signal });
      await again.recover();
      await again.publish(REMOVAL, 'removal');
      await assertRemoved();
      again.close();
    });

    it('does not begin once the run is stopped, nor while publishing is paused', async () => {
      publisher.pause(true);
      const waiting = publisher.publish(REMOVAL, 'removal');
      await new Promise((resolve) => setTimeout(resolve, 20));
      await assertUnchanged();
      stop.abort(new Failure('interrupted', 'stopped'));
      await assert.rejects(waiting, fails('interrupted'));
      await assert.rejects(publisher.publish(REMOVAL, 'removal'), fails('interrupted'));
      await assertUnchanged();
    });

    it('fails alone where the repository refuses it, and only it', async () => {
      whenOpened(backend, (repository) => refuse(repository, ({ deletions }) => deletions.length > 0));
      const refused = publisher.publish(REMOVAL, 'removal');
      const next = publisher.publish(publication([fileEntry('other', 'x')]), 'addition');
      await assert.rejects(refused, fails('image-unpublishable'));
      await next;
      assert.equal(await read('other'), 'x');
      await assertUnchanged();
    });

    it('ends everything queued where the repository takes nothing', async () => {
      whenOpened(backend, (repository) => refuse(repository, () => true));
      const all = [publisher.publish(REMOVAL, 'one'), publisher.publish(REMOVAL, 'other')];
      for (const { status } of await Promise.allSettled(all)) assert.equal(status, 'rejected');
      await assert.rejects(publisher.publish(REMOVAL, 'last'), fails('repository-unusable'));
      await assertUnchanged();
    });

    it('lets the server free its storage in the queue, not while publishing is paused', async () => {
      const order: string[] = [];
      whenOpened(backend, (repository) => {
        repository.freeStorage = async () => order.push('freed') > 0;
        const publish = repository.publish.bind(repository);
        repository.publish = async (...values) => {
          order.push('published');
          await publish(...values);
        };
      });
      publisher.pause(true);
      const all = [publisher.publish(REMOVAL, 'removal'), publisher.freeStorage('garbage collection')];
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(order, []);
      publisher.pause(false);
      assert.equal((await Promise.all(all))[1], true);
      assert.deepEqual(order, ['published', 'freed']);
    });

    it('goes on where the server frees nothing and takes publications', async () => {
      whenOpened(backend, (repository) => {
        repository.freeStorage = async () => {
          throw new Failure('repository-unusable', 'gc failed (exit 1)');
        };
      });
      const freeing = publisher.freeStorage('garbage collection');
      const next = publisher.publish(REMOVAL, 'removal');
      await assert.rejects(freeing, fails('gc-failed'));
      await next;
      await assertRemoved();
    });

    it('fails for a mistake, which is reported with its title, and leaves others alone', async () => {
      events = [];
      const mistake = async (): Promise<Publication> => {
        throw new TypeError('a mistake');
      };
      await assert.rejects(publisher.publish(mistake, 'removal'), fails('bug'));
      await publisher.publish(REMOVAL, 'removal');
      await assertRemoved();
      const bugs = events.filter((event) => event.type === 'bug');
      assert.deepEqual(
        bugs.map((bug) => bug.image),
        ['removal'],
      );
    });

    describe('while the queue publishes images', () => {
      let registry: TestRegistry;
      let wanted: WantedImage[];
      let batch: { readonly begun: Promise<void>; readonly finish: () => void };
      beforeEach(async () => {
        registry = await TestRegistry.start();
        wanted = [];
        for (const name of ['a', 'b']) {
          const text = registry.add(
            `lab/${name}`,
            '1',
            image({ layers: [await layer([member(name, name)])] }),
          );
          wanted.push(wantedOf(parseReference(text)));
        }
        batch = heldBatch(backend);
      });
      afterEach(async () => await registry.close());

      it('takes its turn after them, and all are published', async () => {
        const results = new Results(wanted, () => undefined);
        const resolution = await publisher.resolve(wanted, results);
        const images = publisher.publishImages(resolution, () => '');
        await batch.begun;
        events = [];
        const removal = publisher.publish(REMOVAL, 'removal');
        await assertUnchanged();
        batch.finish();
        await Promise.all([images, removal]);
        await assertRemoved();
        assert.deepEqual(
          results.all().map(({ result }) => result.outcome),
          ['published', 'published'],
        );
        for (const { publicName } of wanted)
          assert.ok((await publisher.view.kindOf(publicName)) !== undefined, publicName);
        const order = events.flatMap((event) => (event.type === 'publication-started' ? [event.images] : []));
        assert.deepEqual(order, [0]);
      });

      it('leaves them alone where the repository refuses it', async () => {
        whenOpened(backend, (repository) => refuse(repository, ({ deletions }) => deletions.length > 0));
        const results = new Results(wanted, () => undefined);
        const resolution = await publisher.resolve(wanted, results);
        const removal = publisher.publish(REMOVAL, 'removal');
        const images = publisher.publishImages(resolution, () => '');
        await assert.rejects(removal, fails('image-unpublishable'));
        await batch.begun;
        batch.finish();
        await images;
        assert.deepEqual(
          results.all().map(({ result }) => result.outcome),
          ['published', 'published'],
        );
      });
    });
  });
}

async function ended(work: Promise<void>): Promise<void> {
  await work.catch(() => undefined);
}

function refuse(repository: OpenRepository, isBad: (publication: Publication) => boolean): void {
  const publish = repository.publish.bind(repository);
  repository.publish = async (given, options) => {
    if (isBad(given)) throw new Failure('repository-unusable', 'EINVAL: invalid argument');
    await publish(given, options);
  };
}

/** Holds the first publication that makes public names until the test lets it continue. */
function heldBatch(backend: Backend): { begun: Promise<void>; finish: () => void } {
  let finish: () => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const finished = new Promise<void>((resolve) => (finish = resolve));
  whenOpened(backend, (repository) => {
    const publish = repository.publish.bind(repository);
    repository.publish = async (given, options) => {
      if (given.names.length > 0) {
        begin();
        await finished;
      }
      await publish(given, options);
    };
  });
  return { begun, finish };
}
