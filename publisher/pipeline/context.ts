import { Failure, isFailure } from '../../core/failure.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { isUsable } from '../../core/system-failure.ts';
import type { LossPolicy } from '../compose/losses.ts';
import type { Observer } from '../image/events.ts';
import type { ImageLimits } from '../image/image-limits.ts';
import type { OutputPolicy } from '../../core/outputs.ts';
import type { WantedImage } from '../image/image.ts';
import type { MultiarchLinks } from '../outputs/public-links.ts';
import type { LayerLimits } from '../layer/limits.ts';
import type { ListingStore } from '../layer/listing-store.ts';
import type { Backend, Notice } from '../publication/backend.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { SameContent } from '../compose/sharing/file-records.ts';
import type { SpoolBudget } from '../spool/budget.ts';
import type { ImageSpool } from '../spool/no-spool.ts';
import type { BatchRule } from './batches.ts';

export interface PublishingOptions {
  readonly outputs: OutputPolicy;
  /** Made where the clients of the repository follow them. */
  readonly multiarchLinks: MultiarchLinks;
  /** Publish images again that are published, with flat trees and chains made anew. */
  readonly convertAgain: boolean;
  /** Write layers again that are published. */
  readonly overwriteLayers: boolean;
  readonly batches: BatchRule;
  /** Layers fetched and listed at a time from one registry, for all images; others get half as many more. */
  readonly downloads: number;
  readonly layerLimits: LayerLimits;
  readonly imageLimits: ImageLimits;
  /** The repository's root as clients see it: absolute. */
  readonly clientRoot: string;
  /** Applies to images of which the repository cannot hold everything. */
  readonly onLoss: LossPolicy;
  /** Files of new layers that are links to published ones: those that are the same in all, or in all but their times. */
  readonly sameContent: SameContent;
}

/** Everything that publishing in one repository works with: made once, and handed down whole. */
export interface PublishingContext {
  readonly repository: string;
  readonly view: RepositoryView;
  readonly client: RegistryClient;
  readonly spool: ImageSpool;
  readonly budget: SpoolBudget;
  readonly listings: ListingStore;
  readonly backend: Backend;
  readonly observe: Observer;
  readonly notice: Notice;
  readonly guard: Guard;
  /** Aborts requests and downloads. */
  readonly signal: AbortSignal;
  /** Aborts a running publication, which then changes nothing. */
  readonly publishSignal: AbortSignal;
  readonly options: PublishingOptions;
}

/** A context without what follows from the rest; `publishSignal` is `signal` by default. */
export type PublishingSetup = Omit<PublishingContext, 'view' | 'notice' | 'guard' | 'publishSignal'> &
  Partial<Pick<PublishingContext, 'guard' | 'publishSignal'>>;

/** @throws Failure `repository-unusable` where this machine has no such repository */
export function publishingContext(setup: PublishingSetup): PublishingContext {
  const { backend, repository, observe, signal } = setup;
  return {
    guard: UNGUARDED,
    publishSignal: signal,
    ...setup,
    view: backend.view(repository),
    notice: (type, message) => observe({ type, message }),
  };
}

/** Wraps all work on images. Its methods throw what the work throws, and nothing else. */
export interface Guard {
  /** Starts the work when its turn comes. Turns do not nest. */
  turn<T>(images: readonly GuardedImage[], work: () => Promise<T>): Promise<T>;
  /** Records what is about to run, so that it is known what a process died of. */
  during<T>(stage: WorkStage, images: readonly GuardedImage[], work: () => Promise<T>): Promise<T>;
}

/** Recorded in the state: the words stay. */
export type WorkStage = 'looking' | 'fetching' | 'composing' | 'publishing';

export interface GuardedImage {
  readonly wanted: WantedImage;
  /** Of the manifest; `undefined` until it is resolved. */
  readonly digest: Digest | undefined;
}

const UNGUARDED: Guard = {
  turn: async (_images, work) => await work(),
  during: async (_stage, _images, work) => await work(),
};

/** Tries to write and read files in the spool and the state directory. */
export async function isStateUsable({
  spool,
  listings,
}: Pick<PublishingContext, 'spool' | 'listings'>): Promise<boolean> {
  return (await isUsable(spool.directory)) && (await isUsable(listings.directory));
}

/** The failure of one image in place of `error`, where the state directory takes other images. */
export async function blamed(error: unknown, isUsableNow: () => Promise<boolean>): Promise<unknown> {
  if (!isFailure(error, 'state-unusable') || !(await isUsableNow())) return error;
  return unpublishable('others can be stored, but not this image', error, STATE_HINT);
}

/** The failure of what a repository refuses while it takes other publications. */
export function refused(error: Failure, what: 'image' | 'publication' = 'image'): Failure {
  return unpublishable(`the repository takes others, but not this ${what}`, error, REPOSITORY_HINT);
}

const STATE_HINT = 'check the disk for errors, and for other programs that change files there';
const REPOSITORY_HINT = 'compare it with images that are published; "unpackd retry" tries it again now';

function unpublishable(why: string, cause: Failure, hint: string): Failure {
  return new Failure('image-unpublishable', `${why}: ${cause.message}`, { hint, cause });
}
