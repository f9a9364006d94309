import { ANY_IMAGE, type ImageLimits } from '../../../publisher/image/image-limits.ts';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../../../publisher/image/events.ts';
import type { Backend } from '../../../publisher/publication/backend.ts';
import type { WantedImage } from '../../../publisher/image/image.ts';
import { UNLIMITED, type LayerLimits } from '../../../publisher/layer/limits.ts';
import { ListingStore } from '../../../publisher/layer/listing-store.ts';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { RegistryOptions } from '../../../publisher/registry/options.ts';
import { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import { Results } from '../../../publisher/image/results.ts';
import { SpoolBudget } from '../../../publisher/spool/budget.ts';
import { Spool, type SpoolOptions } from '../../../publisher/spool/spool.ts';
import { formatReference, type ImageReference } from '../../../core/oci/reference.ts';
import { temporaryDirectory } from '../setup.ts';
import { outputNames, outputPolicy } from '../../../core/outputs.ts';
import { quickClient } from './quick-client.ts';

const REPOSITORY = 'images.unpackd.test';

export interface BenchOptions {
  readonly client?: Partial<RegistryOptions>;
  readonly spool?: Partial<SpoolOptions>;
  readonly limits?: Partial<LayerLimits>;
  readonly imageLimits?: Partial<ImageLimits>;
  readonly downloads?: number;
  /** 0: an image that is ready waits for no other. */
  readonly batchAgeMs?: number;
  readonly onEvent?: (event: Event) => void;
  /** Where images are published: a directory tree by default. */
  readonly place?: BenchPlace;
}

export interface BenchPlace {
  readonly backend: Backend;
  readonly name: string;
  /** The published tree. */
  readonly path: string;
}

/** A publisher into a directory tree, with a client that comes back soon. */
export class PublishingBench {
  readonly client: RegistryClient;
  readonly spool: Spool;
  /** The folder of the repository. */
  readonly repository: string;
  /** That of listings. */
  readonly listings: string;
  /** `IMAGE OUTCOME`, or `IMAGE CODE` for one that failed, in the order in which they ended. */
  readonly ended: string[] = [];
  /** What images failed for. */
  readonly messages = new Map<string, string>();
  readonly publisher: RepositoryPublisher;
  readonly stop = new AbortController();
  readonly #waiting = new Map<string, () => void>();

  private constructor(folder: string, spool: Spool, options: BenchOptions) {
    this.client = quickClient({ ...options.client, signal: this.stop.signal });
    this.spool = spool;
    const place = options.place ?? {
      backend: new DirectoryBackend({ root: join(folder, 'root'), waitMs: 0, allowPrivileged: false }),
      name: REPOSITORY,
      path: join(folder, 'root', REPOSITORY),
    };
    this.repository = place.path;
    this.listings = join(folder, 'listings');
    this.publisher = new RepositoryPublisher({
      repository: place.name,
      client: this.client,
      spool,
      listings: new ListingStore(this.listings),
      backend: place.backend,
      budget: new SpoolBudget(2 ** 40),
      observe: (event) => {
        options.onEvent?.(event);
        this.#observe(event);
      },
      signal: this.stop.signal,
      options: {
        outputs: outputPolicy(outputNames()),
        multiarchLinks: 'auto',
        convertAgain: false,
        overwriteLayers: false,
        batches: { bytes: 2 ** 40, images: 100, ageMs: options.batchAgeMs ?? 0 },
        downloads: options.downloads ?? 2,
        layerLimits: { ...UNLIMITED, ...options.limits },
        imageLimits: { ...ANY_IMAGE, ...options.imageLimits },
        clientRoot: `/cvmfs/${place.name}`,
        onLoss: 'warn',
        sameContent: 'exact',
      },
    });
  }

  static async make(options: BenchOptions = {}): Promise<PublishingBench> {
    const folder = await temporaryDirectory('publishing');
    await mkdir(join(folder, 'root', REPOSITORY), { recursive: true });
    const spool = await Spool.open(join(folder, 'spool'), { retryDelayMs: 1, ...options.spool });
    return new PublishingBench(folder, spool, options);
  }

  /** Publishes images, until all of them have ended. */
  async publish(references: readonly ImageReference[]): Promise<void> {
    const wanted = references.map(wantedOf);
    const results = new Results(wanted, (event) => this.#observe(event));
    const pass = await this.publisher.resolve(wanted, results);
    await this.publisher.publishImages(pass, () => '');
  }

  /** Waits until `image`, as a message names it, has ended. */
  async until(reference: ImageReference): Promise<void> {
    const image = formatReference(reference);
    if (this.ended.some((line) => line.startsWith(`${image} `))) return;
    await new Promise<void>((resolve) => this.#waiting.set(image, resolve));
  }

  /** Ends what goes on. */
  async close(): Promise<void> {
    this.stop.abort();
    this.publisher.close();
    await this.client.close();
  }

  #observe(event: Event): void {
    if (event.type !== 'image-finished') return;
    const { image, result } = event;
    this.ended.push(`${image} ${result.outcome === 'failed' ? result.code : result.outcome}`);
    if (result.outcome === 'failed') this.messages.set(image, result.message);
    this.#waiting.get(image)?.();
  }
}

export function wantedOf(reference: ImageReference): WantedImage {
  const publicName = formatReference(reference);
  return { reference, publicName, outputs: undefined, platforms: undefined, isNamed: true };
}
