import type { Failure } from '../../core/failure.ts';
import { equalPlatforms, formatPlatform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { FailureText, ImageResult, Observer } from '../../publisher/image/events.ts';
import type { ResolvedImage } from '../../publisher/image/image.ts';
import { STOPPING, ownFailure } from '../../publisher/image/own-failure.ts';
import { type PlatformImage, type Recorder, labelOf } from '../../publisher/image/results.ts';
import { weightOf } from '../../publisher/pipeline/batches.ts';
import type { Candidate, Resolution } from '../../publisher/pipeline/resolve.ts';
import { type EventHandlers, handleEvent } from '../output/display.ts';
import type { RecordedImage } from '../state/state.ts';
import { type KnownState, NOTHING } from './state-store.ts';
import { newImage } from './backend.ts';
import type { CycleContext } from './context.ts';

type RecordedState = Pick<KnownState, 'published' | 'failing' | 'deaths'>;
type RecorderContext = Pick<CycleContext, 'store' | 'nowMs' | 'observeIn'>;

/** An image whose outcome could not be recorded. */
export interface Unrecorded {
  readonly part: PlatformImage;
  readonly failure: Failure;
}

/** Records the outcomes of the images of one repository in one cycle. */
export class CycleRecorder {
  readonly #repository: string;
  readonly #context: RecorderContext;
  readonly #startedMs: number;
  #before: RecordedState = NOTHING;
  /** Keyed by public name and config. */
  #known = new Map<string, KnownState['published'][number]>();
  /** Up-to-date images; `changed` if the state says otherwise. */
  #current: { readonly part: PlatformImage; readonly changed: ResolvedImage | undefined }[] = [];
  /** Public names of which at least one platform failed. */
  readonly #failed = new Set<string>();
  readonly #bytes = new WeakMap<ResolvedImage, number>();
  readonly #writing: Promise<void>[] = [];
  readonly #unrecorded: Unrecorded[] = [];

  constructor(repository: string, context: RecorderContext) {
    this.#repository = repository;
    this.#context = context;
    this.#startedMs = context.nowMs();
  }

  /** Called once per image with its outcome. */
  readonly settle: Recorder = (part, result, resolved) => {
    if (result.outcome === 'unchanged') {
      if (resolved !== undefined)
        this.#current.push({ part, changed: this.#isKnown(part, resolved) ? undefined : resolved });
      return;
    }
    // That is the repository's failure, not the image's.
    if (result.outcome === 'failed' && STOPPING.has(result.code)) return;
    if (failureOf(result) !== undefined) this.#failed.add(part.wanted.publicName);
    const writing = this.#contain(part, async () => await this.#write(part, result, resolved));
    // end() reports errors.
    writing.catch(() => undefined);
    this.#writing.push(writing);
  };

  /** Call before any image ends. */
  begin(before: RecordedState): void {
    this.#before = before;
    this.#known = new Map(before.published.map((image) => [`${image.publicName} ${image.digest}`, image]));
  }

  /** Call with images before they are published. */
  readonly found = (candidates: readonly Candidate[]): void => {
    for (const candidate of candidates) this.#bytes.set(candidate.resolved, weightOf(candidate));
  };

  /** Call when the images of a pass have been resolved. */
  async looked({ resolved: looked, passedOver }: Pick<Resolution, 'resolved' | 'passedOver'>): Promise<void> {
    const { failing, deaths } = this.#before;
    const current = this.#current.filter(({ part }) => looked.has(part.wanted));
    this.#current = this.#current.filter(({ part }) => !looked.has(part.wanted));
    const images: RecordedImage[] = [];
    for (const { part, changed } of current)
      if (changed !== undefined)
        await this.#contain(part, () => void images.push(newImage(part, changed, undefined)));
    const names = current.map(({ part }) => part.wanted.publicName);
    const passed = [...passedOver.keys()].map(({ publicName }) => publicName);
    const fine = [...names, ...passed].filter(
      (name) => (failing.has(name) || deaths.has(name)) && !this.#failed.has(name),
    );
    await this.#context.store.current(this.#repository, images, fine);
  }

  /** Resolves when all outcomes so far are recorded. */
  async written(): Promise<void> {
    await Promise.all(this.#writing);
  }

  /** @param stopped failure that ended all work early */
  async end(stopped: Failure | undefined): Promise<readonly Unrecorded[]> {
    await this.written();
    if (stopped?.code !== 'interrupted')
      await this.#context.store.repositoryFailure(this.#repository, stopped);
    return this.#unrecorded;
  }

  #isKnown({ wanted }: PlatformImage, { manifest, platform }: ResolvedImage): boolean {
    const found = this.#known.get(`${wanted.publicName} ${manifest.config.digest}`);
    return found !== undefined && equalPlatforms(found.platform, platform);
  }

  async #contain(part: PlatformImage, work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
    } catch (error) {
      const failure = ownFailure(error, labelOf(part), this.#context.observeIn(this.#repository));
      if (failure === undefined) throw error;
      this.#unrecorded.push({ part, failure });
    }
  }

  async #write(part: PlatformImage, result: ImageResult, resolved: ResolvedImage | undefined): Promise<void> {
    const finishedMs = this.#context.nowMs();
    const isPublished = result.outcome === 'published' && resolved !== undefined;
    await this.#context.store.attempt(
      {
        repository: this.#repository,
        publicName: part.wanted.publicName,
        platform: part.platform && formatPlatform(part.platform),
        image: formatReference(part.wanted.reference),
        startedMs: this.#startedMs,
        finishedMs,
        bytes: (resolved && this.#bytes.get(resolved)) ?? 0,
        failure: failureOf(result),
        isWhole: !this.#failed.has(part.wanted.publicName),
      },
      isPublished ? newImage(part, resolved, finishedMs) : undefined,
    );
  }
}

/** An image published without its podman store entry counts as failed, so that it is tried again. */
function failureOf(result: ImageResult): FailureText | undefined {
  return result.outcome === 'failed' ? result : result.leftOut;
}

/** Records the publications of a repository, which are made one at a time. */
export function recordPublications(
  repository: string,
  { store, nowMs }: Pick<CycleContext, 'store' | 'nowMs'>,
): Observer {
  let started = { images: 0, bytes: 0, startedMs: nowMs() };
  const handlers: EventHandlers = {
    'publication-started': ({ images, contentBytes: bytes }) => {
      started = { images, bytes, startedMs: nowMs() };
    },
    'publication-finished': ({ layers, revision, error }) => {
      const finishedMs = nowMs();
      store.publication({ repository, ...started, finishedMs, layers: layers.length, revision, error });
    },
  };
  return (event) => handleEvent(handlers, event);
}
