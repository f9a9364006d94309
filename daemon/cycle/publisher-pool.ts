import { join } from 'node:path';
import type { Observer } from '../../publisher/image/events.ts';
import { outputNames, outputPolicy, type OutputPolicy } from '../../core/outputs.ts';
import type { Guard } from '../../publisher/pipeline/context.ts';
import { ListingStore } from '../../publisher/layer/listing-store.ts';
import { RepositoryPublisher } from '../../publisher/pipeline/repository-publisher.ts';
import type { RegistryClient } from '../../publisher/registry/client.ts';
import type { Backend } from '../../publisher/publication/backend.ts';
import { Lock } from '../../core/system/lock.ts';
import { giveBackFreedMemory } from '../../core/system/malloc.ts';
import { SpoolBudget } from '../../publisher/spool/budget.ts';
import { keepPrivate, type PrivateFolder } from '../../core/system/private-folder.ts';
import { noSpool, type ImageSpool } from '../../publisher/spool/no-spool.ts';
import { Spool } from '../../publisher/spool/spool.ts';
import { assertBackendMeant } from '../configuration/repositories.ts';
import { orUnusable } from '../../core/system-failure.ts';
import { exactSize, formatBytes, counted } from '../../core/text.ts';
import { imageLimitsOf, layerLimitsOf } from '../configuration/limits.ts';
import type { Configuration } from '../configuration/options.ts';
import { createBackend } from './backend.ts';
import { assertOurs } from '../state/state-files.ts';

export interface PublisherPoolOptions {
  readonly configuration: Configuration;
  readonly client: RegistryClient;
  /** Receives events that concern no repository. */
  readonly observe: Observer;
  /** Receives the events of a repository. */
  readonly observeIn: (repository: string) => Observer;
  /** Guards all work on images of a repository. */
  readonly guardIn: (repository: string) => Guard;
  /** Ends requests and downloads. */
  readonly signal: AbortSignal;
  /** Ends a running publication. */
  readonly publishSignal: AbortSignal;
}

/**
 * The publishers of repositories and the spool that they share, as configured. One process uses the spool at a
 * time.
 */
export class PublisherPool {
  readonly #options: PublisherPoolOptions;
  readonly #backend: Backend;
  readonly #budget: SpoolBudget;
  readonly #publishers = new Map<string, RepositoryPublisher>();
  /** Users of the spool; while there are any, this process holds its lock. */
  #users = 0;
  #opened: Promise<{ readonly lock: Lock; readonly spool: Spool }> | undefined;

  constructor(options: PublisherPoolOptions) {
    giveBackFreedMemory();
    this.#options = options;
    this.#backend = createBackend(options.configuration);
    this.#budget = new SpoolBudget(options.configuration.spoolSizeBytes);
  }

  get publishers(): ReadonlyMap<string, RepositoryPublisher> {
    return this.#publishers;
  }

  /**
   * Calls `work` with the publisher of a repository, while this process has the spool for itself.
   *
   * @throws Failure `repository-unusable`; `repository-busy` where another process has the spool; `state-unusable`,
   *   `disk-full`
   */
  async use<T>(repository: string, work: (publisher: RepositoryPublisher) => Promise<T>): Promise<T> {
    this.#users++;
    try {
      assertBackendMeant(this.#options.configuration, repository);
      this.#backend.view(repository);
      this.#opened ??= this.#open();
      const { spool } = await this.#opened;
      return await work(await this.#publisherOf(repository, spool));
    } finally {
      this.#users--;
      if (this.#users === 0) await this.#release();
    }
  }

  /**
   * The same with a publisher of its own, for work that publishes no images: it goes on beside whoever has the spool.
   *
   * @throws Failure `repository-unusable`
   */
  async useWithoutSpool<T>(
    repository: string,
    work: (publisher: RepositoryPublisher) => Promise<T>,
  ): Promise<T> {
    const { configuration } = this.#options;
    assertBackendMeant(configuration, repository);
    const publisher = this.#newPublisher(repository, noSpool(spoolFolder(configuration)));
    try {
      await publisher.recover();
      return await work(publisher);
    } finally {
      publisher.close();
    }
  }

  /** Stops publishing in the repositories for which `isPaused`, and resumes in the others; running publications continue. */
  pause(isPaused: (repository: string) => boolean): void {
    for (const [name, publisher] of this.#publishers) publisher.pause(isPaused(name));
  }

  close(): void {
    for (const publisher of this.#publishers.values()) publisher.close();
  }

  async #publisherOf(name: string, spool: Spool): Promise<RepositoryPublisher> {
    const known = this.#publishers.get(name);
    if (known !== undefined) return known;
    const publisher = this.#newPublisher(name, spool);
    this.#publishers.set(name, publisher);
    await publisher.recover();
    return publisher;
  }

  #newPublisher(name: string, spool: ImageSpool): RepositoryPublisher {
    const { configuration, client, observeIn, guardIn, signal, publishSignal } = this.#options;
    const listings = new ListingStore(join(configuration.state, 'listings'));
    return new RepositoryPublisher({
      repository: name,
      client,
      spool,
      listings,
      signal,
      publishSignal,
      budget: this.#budget,
      backend: this.#backend,
      observe: observeIn(name),
      guard: guardIn(name),
      options: publishingOptionsOf(configuration, name),
    });
  }

  async #open(): Promise<{ lock: Lock; spool: Spool }> {
    const { configuration, observe, signal } = this.#options;
    const folder = spoolFolder(configuration);
    const note = (message: string): void => observe({ type: 'note', message });
    await closeFolder({ path: folder, marks: SPOOL_MARKS, note });
    const lock = await Lock.acquire({
      path: join(folder, 'lock'),
      subject: `the spool ${folder}`,
      waitMs: configuration.waitMs,
      unusable: 'state-unusable',
      notice: (type, message) => observe({ type, message }),
      signal,
    });
    try {
      const spool = await Spool.open(folder, { rateBytesPerSecond: configuration.downloadRateBytes });
      const { files, bytes } = await spool.shrinkTo(configuration.spoolSizeBytes);
      if (files > 0)
        note(
          `removed ${formatBytes(bytes)} of old layers: the spool was larger than ${exactSize(configuration.spoolSizeBytes)}`,
        );
      const { kept, removed } = spool.leftovers;
      const rest = kept === 0 ? '' : `; ${counted(kept, 'download')} can be resumed`;
      if (removed > 0)
        note(`removed ${counted(removed, 'file')} that an interrupted run left in the spool${rest}`);
      return { lock, spool };
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Publishers are dropped together with the spool that they use. */
  async #release(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    this.close();
    this.#publishers.clear();
    const result = await opened?.catch(() => undefined);
    result?.lock.release();
  }
}

/**
 * Refuses a state or a spool that belongs to another user, and keeps others from reading or replacing its files.
 *
 * @throws Failure `state-unusable`, `disk-full`
 */
export async function takeState(
  configuration: Configuration,
  note: (message: string) => void,
): Promise<void> {
  assertOurs(configuration.state);
  assertOurs(spoolFolder(configuration));
  await closeFolder({ path: configuration.state, marks: STATE_MARKS, note });
}

async function closeFolder(folder: Omit<PrivateFolder, 'unusable'>): Promise<void> {
  const unusable = 'state-unusable';
  await orUnusable({ path: folder.path, code: unusable }, () => keepPrivate({ ...folder, unusable }));
}

/** Names by which a state directory or spool is recognized. */
const STATE_MARKS = ['unpackd.db', 'daemon.lock', 'manifests', 'listings', 'sources', 'spool'];
const SPOOL_MARKS = ['lock', 'blobs'];

export function spoolFolder({ temporaryDirectory }: Configuration): string {
  return join(temporaryDirectory, 'spool');
}

function publishingOptionsOf(configuration: Configuration, repository: string) {
  const { batchSizeBytes: bytes, batchImages: images, batchAgeMs: ageMs } = configuration;
  return {
    ...configuration,
    batches: { bytes, images, ageMs },
    outputs: outputPolicyOf(configuration),
    layerLimits: layerLimitsOf(configuration),
    imageLimits: imageLimitsOf(configuration),
    clientRoot: join(configuration.clientRoot, repository),
  };
}

/** DUCC's options leave outputs out, whatever the list of them says; without a list, `chains` asks for all. */
function outputPolicyOf(configuration: Configuration): OutputPolicy {
  const { outputs, skipLayers, skipFlat, skipPodman, chains } = configuration;
  const isLeft = { layers: skipLayers, flat: skipFlat, chains: chains === false, podman: skipPodman };
  const named = outputs ?? (chains === true ? outputNames() : undefined);
  return outputPolicy(
    named,
    outputNames().filter((name) => isLeft[name]),
  );
}
