import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { outputNames, outputPolicy, type OutputName } from '../../../core/outputs.ts';
import { parsePlatform } from '../../../core/oci/platform.ts';
import { formatReference, parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import type { Event } from '../../../publisher/image/events.ts';
import { ANY_IMAGE } from '../../../publisher/image/image-limits.ts';
import type { WantedImage } from '../../../publisher/image/image.ts';
import { Results } from '../../../publisher/image/results.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import { UNLIMITED } from '../../../publisher/layer/limits.ts';
import type { MultiarchLinks } from '../../../publisher/outputs/public-links.ts';
import { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import type { Backend } from '../../../publisher/publication/backend.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import { SpoolBudget } from '../../../publisher/spool/budget.ts';
import { Spool } from '../../../publisher/spool/spool.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { image, imageIndex, type Image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { quickClient } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { uninterrupted } from '../repository/entries.ts';
import { NAME, Scene } from '../repository/cvmfs/scene.ts';

/** Where names are taken back. */
export const PLACES = {
  'a directory': async () => {
    const root = await temporaryDirectory('names');
    await mkdir(join(root, NAME));
    return {
      backend: new DirectoryBackend({ root, waitMs: 0, allowPrivileged: false }),
      folder: (): string => join(root, NAME),
      problems: (): string[] => [],
    };
  },
  'cvmfs_server 2.12': async () => await sceneOf('2.12'),
  'cvmfs_server 2.14': async () => await sceneOf('2.14'),
} as const;

export type Place = Awaited<ReturnType<(typeof PLACES)[keyof typeof PLACES]>> & { readonly backend: Backend };

async function sceneOf(release: '2.12' | '2.14') {
  const scene = await Scene.make({ release });
  return {
    backend: scene.backend(),
    folder: (): string => scene.fixture.view(NAME),
    problems: (): string[] => scene.fixture.problems(NAME),
  };
}

export interface Wish {
  readonly repository: string;
  readonly tag?: string;
  readonly isPinned?: boolean;
  readonly platforms?: readonly string[];
  readonly outputs?: readonly OutputName[];
  readonly subdirectory?: string;
}

/** A publisher of images from a registry of its own. */
export class NamesBench {
  readonly place: Place;
  readonly registry: TestRegistry;
  readonly events: Event[] = [];
  readonly #client: RegistryClient;
  readonly #setup: ConstructorParameters<typeof RepositoryPublisher>[0];
  #publishers: RepositoryPublisher[] = [];

  private constructor(place: Place, registry: TestRegistry, spool: Spool, folder: string) {
    this.place = place;
    this.registry = registry;
    this.#client = quickClient();
    this.#setup = {
      repository: NAME,
      client: this.#client,
      spool,
      listings: new ListingStore(join(folder, 'listings')),
      backend: place.backend,
      budget: new SpoolBudget(2 ** 40),
      observe: (event) => void this.events.push(event),
      signal: uninterrupted().signal,
      options: {
        outputs: outputPolicy(outputNames()),
        multiarchLinks: 'never',
        convertAgain: false,
        overwriteLayers: false,
        batches: { bytes: 2 ** 40, images: 100, ageMs: 0 },
        downloads: 2,
        layerLimits: UNLIMITED,
        imageLimits: ANY_IMAGE,
        clientRoot: `/cvmfs/${NAME}`,
        onLoss: 'warn',
        sameContent: 'exact',
      },
    };
  }

  static async make(place: Place): Promise<NamesBench> {
    const folder = await temporaryDirectory('names-state');
    const registry = await TestRegistry.start();
    return new NamesBench(place, registry, await Spool.open(join(folder, 'spool')), folder);
  }

  publisher(multiarchLinks: MultiarchLinks = 'never'): RepositoryPublisher {
    const { options } = this.#setup;
    const publisher = new RepositoryPublisher({ ...this.#setup, options: { ...options, multiarchLinks } });
    this.#publishers.push(publisher);
    return publisher;
  }

  /** Adds an image for two architectures to the registry, whose files say `text`. */
  async push(repository: string, tag: string, text: string): Promise<Image> {
    const base = await layer([file('base', 'the same in all')]);
    const members = ['amd64', 'arm64'].map(async (architecture) => {
      const layers = [base, await layer([file('says', `${architecture} ${repository} ${text}`)])];
      const config = { architecture, os: 'linux' };
      return { image: image({ layers, config }), platform: { os: 'linux', architecture } };
    });
    const pushed = imageIndex(await Promise.all(members));
    this.registry.add(repository, tag, pushed);
    return pushed;
  }

  /** Publishes an image. @returns its public name */
  async publishTool(): Promise<string> {
    await this.push('lab/tool', '1', 'one');
    const wanted = this.wanted({ repository: 'lab/tool' });
    await this.publish([wanted]);
    return wanted.publicName;
  }

  wanted({ repository, tag = '1', isPinned = false, ...wish }: Wish): WantedImage {
    const digest = this.registry.store.image(repository, tag)?.manifest.digest;
    const version = `:${tag}${isPinned ? `@${digest ?? ''}` : ''}`;
    const reference = parseReference(`http://${this.registry.host}/${repository}${version}`);
    return {
      reference,
      publicName: this.nameOf(reference, wish.subdirectory),
      outputs: wish.outputs,
      platforms: wish.platforms?.map((platform) => ({ platform: parsePlatform(platform), isRequired: true })),
      isNamed: true,
    };
  }

  nameOf(reference: ImageReference, subdirectory?: string): string {
    const name = formatReference(reference);
    return subdirectory === undefined ? name : `${subdirectory}/${name}`;
  }

  /** Publishes them; asserts that each is published or unchanged. */
  async publish(wanted: readonly WantedImage[], multiarchLinks: MultiarchLinks = 'never'): Promise<void> {
    const publisher = this.publisher(multiarchLinks);
    const results = new Results(wanted, () => undefined);
    await publisher.publishImages(await publisher.resolve(wanted, results), () => '');
    for (const { result } of results.all()) assert.notEqual(result.outcome, 'failed', JSON.stringify(result));
  }

  async close(): Promise<void> {
    for (const publisher of this.#publishers) publisher.close();
    await this.#client.close();
    await this.registry.close();
  }
}
