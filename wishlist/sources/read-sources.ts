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
  /** Where sources are remembered. */
  readonly directory: string;
  /** `PATH`, `HTTPS_PROXY` and the like, for git and for proxies. */
  readonly environment: SourceLimits['environment'];
  readonly signal?: AbortSignal | undefined;
  /** For each thing that one source is asked; two minutes where nothing is said. */
  readonly timeLimitMs?: number;
  /** Of a git repository; {@link SIZE_LIMIT_BYTES} where nothing is said. */
  readonly sizeLimitBytes?: number;
  /** How many items the recipes of one source may have together; as for a single recipe where nothing is said. */
  readonly wishLimit?: number | undefined;
  /** Which sources are left alone for a while; without it all are asked. */
  readonly rests?: SourceRests | undefined;
  /** Limits on the wishes of sources, by their names; none for others. */
  readonly confinements?: ReadonlyMap<string, Confinement> | undefined;
  readonly now?: () => Date;
}

const SOURCES_AT_A_TIME = 4;
const TIME_LIMIT_MS = 120_000;
const SIZE_LIMIT_BYTES = 256 * 1024 ** 2;

/**
 * Asks all sources what they say now; the result is in their order. Where one fails, whatever the error is, or says what
 * is no recipe, its last good content stays in force, with the failure beside it; the others go on. Where there is no room
 * to remember what one says, that is its failure, and what it says counts.
 *
 * @throws Failure `state-unusable` where nothing can be remembered, `disk-full` where not even a folder can be made; the
 * reason of the signal
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

/** The failure where `remembering` finds no room: what is known counts all the same, until the process ends. */
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
  /** How often in a row it failed. */
  readonly tries: number;
  /** In ms since 1970. */
  readonly untilMs: number;
}

const MINUTE_MS = 60_000;
const LONGEST_MS = 60 * MINUTE_MS;
const SHORTEST_AFTER_BUG_MS = 5 * MINUTE_MS;

/**
 * Which sources are not asked for a while, since asking them fails and takes time that the others wait for: for ten times
 * as long as the failure took, so for nothing where it is told at once. After what nobody expected it is five minutes, and
 * twice as long each time. Never more than an hour.
 */
export class SourceRests {
  readonly #rests = new Map<string, Rest>();

  /** Why the source `name` is not to be asked at `nowMs`, since 1970; `undefined`: it is. */
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
