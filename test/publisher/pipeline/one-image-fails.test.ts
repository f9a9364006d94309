import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../../../publisher/image/events.ts';
import type { WantedImage } from '../../../publisher/image/image.ts';
import { outputNames, outputPolicy } from '../../../core/outputs.ts';
import { ANY_IMAGE } from '../../../publisher/image/image-limits.ts';
import { UNLIMITED } from '../../../publisher/layer/limits.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import { layerMetadataPath, manifestPath } from '../../../publisher/image/layout.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import type { OpenRepository } from '../../../publisher/publication/backend.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import type { RepositoryView } from '../../../publisher/publication/view.ts';
import { Results } from '../../../publisher/image/results.ts';
import { SpoolBudget } from '../../../publisher/spool/budget.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import { Failure, isFailure, type FailureCode } from '../../../core/failure.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { image } from '../../support/images/image.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { quickClient } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const REPOSITORY = 'images.unpackd.test';
const NAMES = ['a', 'bad', 'c', 'd', 'e'];

/** What a test may break before anything is published, and what it knows of the image to break it for. */
interface Site {
  readonly client: RegistryClient;
  readonly spool: Spool;
  readonly listings: ListingStore;
  readonly backend: DirectoryBackend;
  readonly bad: WantedImage;
  readonly badLayer: Digest;
}

function mistake(): never {
  throw new TypeError('a mistake');
}

function refuse<Subject extends object>(
  subject: Subject,
  name: keyof Subject,
  isBad: (...values: never[]) => boolean,
  code: FailureCode = 'repository-unusable',
): void {
  sabotage(subject, name, isBad, () => {
    throw new Failure(code, 'EINVAL: invalid argument, fchown');
  });
}

/** Makes the method `name` of `subject` fail where `isBad` says so of its arguments. */
function sabotage<Subject extends object>(
  subject: Subject,
  name: keyof Subject,
  isBad: (...values: never[]) => boolean,
  fail = mistake,
): void {
  const original = subject[name] as (...values: unknown[]) => unknown;
  Object.defineProperty(subject, name, {
    value: (...values: never[]) => (isBad(...values) ? fail() : original.apply(subject, values)),
  });
}

/** Lets `change` have the repository whenever it is opened. */
function whenOpened(backend: DirectoryBackend, change: (repository: OpenRepository) => void): void {
  const open = backend.open.bind(backend);
  backend.open = async (...values) => {
    const repository = await open(...values);
    change(repository);
    return repository;
  };
}

function sabotageReading(view: RepositoryView, path: string): void {
  sabotage(view, 'read', (at: string) => at === path);
}

/** Each place in which the work on one image can go wrong. */
const STEPS: Readonly<Record<string, (site: Site) => void>> = {
  'what the registry says is understood': ({ client, bad }) =>
    sabotage(client, 'fetchManifest', (reference) => reference === bad.reference),
  'what is published of it is looked at': ({ backend, bad }) => {
    const view = backend.view.bind(backend);
    backend.view = (name) => {
      const found = view(name);
      sabotageReading(found, manifestPath(bad.publicName));
      return found;
    };
  },
  'its blobs are held': ({ spool, badLayer }) =>
    sabotage(spool, 'hold', (digests: readonly Digest[]) => digests.includes(badLayer)),
  'its config is read': ({ client, bad }) =>
    sabotage(client, 'fetchConfig', (reference) => reference === bad.reference),
  'a layer is fetched': ({ spool, bad }) =>
    sabotage(spool, 'fetch', (_client, reference) => reference === bad.reference),
  'a listing is written': ({ listings, badLayer }) =>
    sabotage(listings, 'save', (digest) => digest === badLayer),
  'it is composed': ({ listings, badLayer }) => sabotage(listings, 'load', (digest) => digest === badLayer),
  'its names are gathered': ({ backend, badLayer }) =>
    whenOpened(backend, ({ view }) => sabotageReading(view, `${layerMetadataPath(badLayer)}/origin.json`)),
  'its contents are streamed': ({ backend, spool, badLayer }) => {
    backend.filesAside = async () => await Promise.resolve(undefined);
    whenOpened(backend, (repository) => {
      const publish = repository.publish.bind(repository);
      repository.publish = async (...values) => {
        rmSync(spool.pathOf(badLayer), { force: true });
        await publish(...values);
      };
    });
  },
  'it is made visible': ({ backend, bad }) =>
    whenOpened(backend, (repository) =>
      sabotage(repository, 'publish', ({ names }: { names: readonly { path: string }[] }) =>
        names.some(({ path }) => path === bad.publicName),
      ),
    ),
  'its blobs are let go': ({ spool, badLayer }) =>
    sabotage(spool, 'remove', (digest: Digest) => digest === badLayer),
};

/** What one image can be to blame for, as if nothing could be published. */
const UNUSABLE: Readonly<Record<string, (site: Site) => void>> = {
  'what is published of it cannot be read': ({ backend, bad }) => {
    const view = backend.view.bind(backend);
    backend.view = (name) => {
      const found = view(name);
      refuse(found, 'read', (path) => path === manifestPath(bad.publicName));
      return found;
    };
  },
  'its listing is gone': ({ listings, badLayer }) =>
    refuse(listings, 'load', (digest) => digest === badLayer, 'state-unusable'),
  'a repository refuses it': ({ backend, bad }) =>
    whenOpened(backend, (repository) =>
      refuse(repository, 'publish', ({ names }: { names: readonly { path: string }[] }) =>
        names.some(({ path }) => path === bad.publicName),
      ),
    ),
  'a repository cannot be asked about it': ({ backend, badLayer }) =>
    whenOpened(backend, ({ view }) =>
      refuse(view, 'read', (path) => path === `${layerMetadataPath(badLayer)}/origin.json`),
    ),
  'its listing cannot be written': ({ listings, badLayer }) =>
    refuse(listings, 'save', (digest) => digest === badLayer, 'state-unusable'),
  'its blobs cannot be let go': ({ spool, badLayer }) =>
    refuse(spool, 'remove', (digest) => digest === badLayer, 'state-unusable'),
};

describe('publisher/pipeline/one-image-fails', () => {
  let registry: TestRegistry;
  let folder: string;
  let site: Site;
  let wanted: WantedImage[];
  let told: Event[];

  beforeEach(async () => {
    registry = await TestRegistry.start();
    folder = await temporaryDirectory('one-image');
    told = [];
    const base = await layer([directory('etc'), file('etc/base', 'base')]);
    wanted = [];
    let badLayer: Digest | undefined;
    for (const name of NAMES) {
      const own = await layer([file(name, name)]);
      const reference = parseReference(registry.add(`lab/${name}`, '1', image({ layers: [base, own] })));
      const publicName = `${registry.host}/lab/${name}:1`;
      wanted.push({ reference, publicName, outputs: undefined, platforms: undefined, isNamed: true });
      if (name === 'bad') badLayer = own.digest;
    }
    const bad = wanted[NAMES.indexOf('bad')];
    assert.ok(bad !== undefined && badLayer !== undefined);
    site = {
      bad,
      badLayer,
      client: quickClient(),
      spool: await Spool.open(join(folder, 'spool')),
      listings: new ListingStore(join(folder, 'listings')),
      backend: new DirectoryBackend({ root: join(folder, 'root'), waitMs: 0, allowPrivileged: true }),
    };
  });
  afterEach(async () => {
    await site.client.close();
    await registry.close();
  });

  async function publish(): Promise<Map<string, string>> {
    const publisher = new RepositoryPublisher({
      ...site,
      repository: REPOSITORY,
      budget: new SpoolBudget(1_000_000),
      observe: (event) => void told.push(event),
      signal: new AbortController().signal,
      options: {
        outputs: outputPolicy(outputNames()),
        multiarchLinks: 'auto',
        convertAgain: false,
        overwriteLayers: false,
        batches: { bytes: 1_000_000, images: 100, ageMs: 60_000 },
        downloads: 2,
        layerLimits: UNLIMITED,
        imageLimits: ANY_IMAGE,
        clientRoot: `/cvmfs/${REPOSITORY}`,
        onLoss: 'warn',
        sameContent: 'exact',
      },
    });
    try {
      const results = new Results(wanted, (event) => void told.push(event));
      await publisher.publishImages(await publisher.resolve(wanted, results), () => '');
      return new Map(
        results
          .all()
          .map(({ result }, index) => [
            NAMES[index] ?? '',
            result.outcome === 'failed' ? result.code : result.outcome,
          ]),
      );
    } finally {
      publisher.close();
    }
  }

  for (const [step, breakIt] of Object.entries(STEPS)) {
    it(`fails that image alone for a mistake while ${step}`, async () => {
      breakIt(site);
      const results = await publish();
      assert.deepEqual(
        [...results],
        NAMES.map((name) => [name, name === 'bad' ? 'bug' : 'published']),
      );
      for (const { publicName } of wanted)
        if (publicName !== site.bad.publicName)
          assert.ok(existsSync(join(folder, 'root', REPOSITORY, publicName, 'etc/base')), publicName);
      const bugs = told.filter((event) => event.type === 'bug');
      assert.equal(bugs.length, 1);
      assert.match(bugs[0]?.image ?? '', /\/lab\/bad:1$/);
      assert.match(bugs[0]?.stack ?? '', /a mistake\n {4}at |ENOENT/);
    });
  }

  for (const [what, breakIt] of Object.entries(UNUSABLE)) {
    it(`fails that image alone where ${what}, and others can be published`, async () => {
      breakIt(site);
      const results = await publish();
      assert.deepEqual(
        [...results],
        NAMES.map((name) => [name, name === 'bad' ? 'image-unpublishable' : 'published']),
      );
    });
  }

  it('is nobody\u2019s failure where the repository takes nothing', async () => {
    let opened = 0;
    whenOpened(site.backend, (repository) => {
      opened++;
      refuse(repository, 'publish', () => true);
    });
    await assert.rejects(publish(), (error) => isFailure(error, 'repository-unusable'));
    assert.equal(opened, 2);
  });

  it('is the repository\u2019s failure after a few images, where it takes nothing but an empty publication', async () => {
    let opened = 0;
    whenOpened(site.backend, (repository) => {
      opened++;
      refuse(repository, 'publish', ({ names }: { names: readonly unknown[] }) => names.length > 0);
    });
    await assert.rejects(publish(), (error) => isFailure(error, 'repository-unusable'));
    assert.ok(opened <= 12, String(opened));
  });
});
