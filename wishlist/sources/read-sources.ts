import { isDeepStrictEqual } from 'node:util';
import { mapLimited } from '../../core/concurrency.ts';
import { type Failure, asFailure, isFailure } from '../../core/failure.ts';
import { RECIPE_LIMITS } from '../recipe/limits.ts';
import type { Confinement } from '../recipe/recipe.ts';
import type { WishOrigin } from '../recipe/wish.ts';
import type {
  Fetched,
  SourceContent,
  SourceLimits,
  SourceRecipes,
  SourceState,
  WishlistSource,
} from './source.ts';
import { SourceStore, type StoredContent, type StoredStatus } from './store.ts';

export interface SourcesOptions {
  /** The directory with the sources' stored content. */
  readonly directory: string;
  /** `PATH`, `HTTPS_PROXY` and the like, for git and for proxies. */
  readonly environment: SourceLimits['environment'];
  readonly signal?: AbortSignal | undefined;
  /** Of each request to a source; by default two minutes. */
  readonly timeLimitMs?: number;
  /** Of a git repository; by default {@link SIZE_LIMIT_BYTES}. */
  readonly sizeLimitBytes?: number;
  /** The most items in the recipes of one source together; by default the limit of a single recipe. */
  readonly wishLimit?: number | undefined;
  /** Sources that are not asked for a while; without it all are asked. */
  readonly rests?: SourceRests | undefined;
  /** Limits on the wishes of sources, by their names; none for others. */
  readonly confinements?: ReadonlyMap<string, Confinement> | undefined;
  readonly now?: () => Date;
}

const SOURCES_AT_A_TIME = 4;
const TIME_LIMIT_MS = 120_000;
const SIZE_LIMIT_BYTES = 256 * 1024 ** 2;

/**
 * Asks all sources for their wishes; the result is in their order. Where one fails, whatever the error is, or returns
 * something that is not a recipe, its last good content stays in force, with the failure beside it; the others continue.
 * Where there is no room to store the new content, that is the source's failure, and the content counts.
 *
 * @throws Failure `state-unusable` where nothing can be stored, `disk-full` where not even a folder can be made; the reason
 * of the signal
 */
export async function readSources(
  sources: readonly WishlistSource[],
  options: SourcesOptions,
): Promise<SourceState[]> {
  return await mapLimited(sources, SOURCES_AT_A_TIME, async (source) => await readSource(source, options));
}

/** A source, and what is stored of it. */
interface Known<Content extends object> {
  readonly source: WishlistSource<Content>;
  readonly store: SourceStore<Content>;
  readonly before: StoredContent<Content> | undefined;
  readonly status: StoredStatus;
  readonly wishLimit: number;
  readonly confinement: Confinement | undefined;
}

async function readSource<Content extends object>(
  source: WishlistSource<Content>,
  options: SourcesOptions,
): Promise<SourceState> {
  const { signal, rests, wishLimit = RECIPE_LIMITS.wishes, now = () => new Date() } = options;
  signal?.throwIfAborted();
  const store = await SourceStore.open(options.directory, source);
  const [before, status] = [await store.content(), await store.status()];
  const confinement = options.confinements?.get(source.name);
  const known: Known<Content> = { source, store, before, status, wishLimit, confinement };
  const begun = now();
  const earlier = rests?.failureOf(source.name, begun.getTime());
  if (earlier !== undefined) return await stale(known, earlier, begun);
  const begunMs = performance.now();
  const read = await tryToRead(known, options);
  const end = now();
  if (isFailure(read)) {
    rests?.failed(source.name, read, { tookMs: performance.now() - begunMs, nowMs: end.getTime() });
    return await stale(known, read, end);
  }
  rests?.succeeded(source.name);
  return await remember(known, read, end);
}

interface Read<Content> extends SourceRecipes {
  readonly fetched: Fetched<Content>;
}

/** Any error is a failure of this source, but for an interruption, and a state directory that no source can use. */
async function tryToRead<Content extends object>(
  known: Known<Content>,
  options: SourcesOptions,
): Promise<Read<Content> | Failure> {
  const { signal, environment } = options;
  const { timeLimitMs = TIME_LIMIT_MS, sizeLimitBytes = SIZE_LIMIT_BYTES } = options;
  try {
    const { folder } = known.store;
    const request = { environment, timeLimitMs, sizeLimitBytes, signal, folder };
    const fetched = await known.source.fetch(known.before, request);
    return { fetched, ...recipesIn(known, fetched.content) };
  } catch (error) {
    signal?.throwIfAborted();
    if (isFailure(error, 'interrupted', 'state-unusable')) throw error;
    return asFailure(error);
  }
}

async function remember<Content extends object>(
  { source, store, before, status }: Known<Content>,
  { fetched: { content, validators }, recipes, commit }: Read<Content>,
  now: Date,
): Promise<SourceState> {
  const fetchedAt = now.toISOString();
  const since = before !== undefined && isSameJson(before.content, content) ? before.since : fetchedAt;
  const stored = { content, validators, since };
  const failure = await failureWithoutRoom(async () => {
    if (!isSameJson(before, stored)) await store.setContent(stored);
    await store.setStatus({ fetchedAt });
  });
  return {
    name: source.name,
    content: { recipes, commit, since },
    fetchedAt,
    failure,
    failingSince: failure && (status.failingSince ?? fetchedAt),
  };
}

/** Returns the failure where there is no room: the content counts all the same, until the process ends. */
async function failureWithoutRoom(remembering: () => Promise<void>): Promise<Failure | undefined> {
  try {
    await remembering();
    return undefined;
  } catch (error) {
    if (isFailure(error, 'disk-full')) return error;
    throw error;
  }
}

/**
 * The recipes in `content`, confined, and each wish with its origin.
 *
 * @throws Failure `recipe-unreadable`, `recipe-invalid`
 */
function recipesIn<Content extends object>(
  { source, confinement, wishLimit }: Known<Content>,
  content: Content,
): SourceRecipes {
  const { recipes, commit } = source.read(content, wishLimit);
  const own = recipes.map((recipe) => {
    const origin: WishOrigin = { source: source.name, file: recipe.file, commit };
    const wishes = recipe.wishes.map((wish) => Object.assign({}, wish, { origin }));
    return Object.assign({}, recipe, confinement && { confinement }, { wishes });
  });
  return { recipes: own, commit };
}

/** The state of a source that fails: its last good content is in force. */
async function stale<Content extends object>(
  known: Known<Content>,
  failure: Failure,
  now: Date,
): Promise<SourceState> {
  const { source, store, before, status } = known;
  const failingSince = status.failingSince ?? now.toISOString();
  if (status.failingSince === undefined)
    await failureWithoutRoom(async () => await store.setStatus({ ...status, failingSince }));
  return {
    name: source.name,
    content: before && contentOf(known, before),
    fetchedAt: status.fetchedAt,
    failure,
    failingSince,
  };
}

/** `undefined` where this version does not understand what an earlier one stored: the failure is reported already. */
function contentOf<Content extends object>(
  known: Known<Content>,
  { content, since }: StoredContent<Content>,
): SourceContent | undefined {
  try {
    const { recipes, commit } = recipesIn(known, content);
    return { recipes, commit, since };
  } catch {
    return undefined;
  }
}

function isSameJson(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(plain(one), plain(other));
}

/** As it is read back. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

interface Rest {
  readonly failure: Failure;
  /** The number of failures in a row. */
  readonly tries: number;
  /** In ms since 1970. */
  readonly untilMs: number;
}

const MINUTE_MS = 60_000;
const LONGEST_MS = 60 * MINUTE_MS;
const SHORTEST_AFTER_BUG_MS = 5 * MINUTE_MS;

/**
 * Keeps failing sources from being asked again at once, since the others wait meanwhile: for ten times as long as the
 * failure took, so that a fast failure costs nothing. After an unexpected error it is five minutes, doubled each time.
 * Never more than an hour.
 */
export class SourceRests {
  readonly #rests = new Map<string, Rest>();

  /** The failure for which the source `name` is not asked at `nowMs`, since 1970; `undefined` where it may be. */
  failureOf(name: string, nowMs: number): Failure | undefined {
    const rest = this.#rests.get(name);
    if (rest === undefined || rest.untilMs <= nowMs || rest.untilMs > nowMs + LONGEST_MS) return undefined;
    return rest.failure;
  }

  /** @param tookMs how long it took to find out */
  failed(name: string, failure: Failure, { tookMs, nowMs }: { tookMs: number; nowMs: number }): void {
    const tries = (this.#rests.get(name)?.tries ?? 0) + 1;
    const unexpectedMs = failure.code === 'bug' ? SHORTEST_AFTER_BUG_MS * 2 ** Math.min(tries - 1, 10) : 0;
    const untilMs = nowMs + Math.min(LONGEST_MS, Math.max(10 * tookMs, unexpectedMs));
    this.#rests.set(name, { failure, tries, untilMs });
  }

  succeeded(name: string): void {
    this.#rests.delete(name);
  }

  clear(): void {
    this.#rests.clear();
  }
}
