import { isDeepStrictEqual } from 'node:util';
import { mapLimited } from '../../core/concurrency.ts';
import { asFailure, isFailure, type Failure } from '../../core/failure.ts';
import { RECIPE_LIMITS } from '../recipe/limits.ts';
import { parseRecipe, type Recipe } from '../recipe/recipe.ts';
import type { WishOrigin } from '../recipe/origin.ts';
import { fetchFile } from './fetch-file.ts';
import { fetchUrl } from './fetch-url.ts';
import { fetchGit } from './git/fetch.ts';
import type { Fetched, SourceContent, SourceLimits, SourceSettings, SourceState } from './source.ts';
import type { SourceRests } from './rests.ts';
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
  sources: readonly SourceSettings[],
  options: SourcesOptions,
): Promise<SourceState[]> {
  return await mapLimited(sources, SOURCES_AT_A_TIME, async (source) => await readSource(source, options));
}

async function readSource(source: SourceSettings, options: SourcesOptions): Promise<SourceState> {
  const { signal, rests, wishLimit = RECIPE_LIMITS.wishes, now = () => new Date() } = options;
  signal?.throwIfAborted();
  const store = await SourceStore.open(options.directory, source);
  const [before, status] = [await store.content(), await store.status()];
  const remembered: Remembered = { source, store, before, status, wishLimit };
  const begun = now();
  const earlier = rests?.failureOf(source.name, begun.getTime());
  if (earlier !== undefined) return await stale(remembered, earlier, begun);
  const begunMs = performance.now();
  const read = await tryToRead(remembered, options);
  const end = now();
  if (isFailure(read)) {
    rests?.failed(source.name, read, { tookMs: performance.now() - begunMs, nowMs: end.getTime() });
    return await stale(remembered, read, end);
  }
  rests?.succeeded(source.name);
  return await remember(remembered, read, end);
}

interface Read {
  readonly fetched: Fetched;
  readonly recipes: readonly Recipe[];
}

/** Whatever is thrown is the source's failure, unless everything ends or nothing can be remembered of any. */
async function tryToRead(
  { source, store, before, wishLimit }: Remembered,
  options: SourcesOptions,
): Promise<Read | Failure> {
  const { signal, environment } = options;
  const { timeLimitMs = TIME_LIMIT_MS, sizeLimitBytes = SIZE_LIMIT_BYTES } = options;
  try {
    const limits = { environment, timeLimitMs, sizeLimitBytes, signal };
    const fetched = await fetch(source, { store, before }, limits);
    return { fetched, recipes: recipesOf(source, fetched, wishLimit) };
  } catch (error) {
    signal?.throwIfAborted();
    if (isFailure(error, 'interrupted', 'state-unusable')) throw error;
    return asFailure(error);
  }
}

async function remember(
  { source, store, before, status }: Remembered,
  { fetched, recipes }: Read,
  now: Date,
): Promise<SourceState> {
  const fetchedAt = now.toISOString();
  const since = before !== undefined && isSame(before, fetched) ? before.since : fetchedAt;
  const stored: StoredContent = { ...fetched, files: [...fetched.files], since };
  const failure = await failureWithoutRoom(async () => {
    if (before === undefined || !isDeepStrictEqual(stored, before)) await store.setContent(stored);
    await store.setStatus({ fetchedAt });
  });
  return {
    name: source.name,
    content: { recipes, commit: fetched.commit, since },
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

async function fetch(
  source: SourceSettings,
  { store, before }: { readonly store: SourceStore; readonly before: StoredContent | undefined },
  limits: SourceLimits,
): Promise<Fetched> {
  switch (source.kind) {
    case 'git':
      return await fetchGit(source, store.folder, limits);
    case 'file':
      return await fetchFile(source, limits);
    case 'url':
      return await fetchUrl(source, before, limits);
  }
}

/** @throws Failure `recipe-unreadable`, `recipe-invalid` */
function recipesOf(
  { name, confinement }: SourceSettings,
  { files, commit }: Fetched,
  wishLimit: number,
): Recipe[] {
  let left = wishLimit;
  return files.map(({ label, text }) => {
    const recipe = parseRecipe(text, label, { wishLimit: left });
    left -= recipe.wishes.length;
    const origin: WishOrigin = { source: name, file: label, commit };
    const confined = confinement === undefined ? recipe : { ...recipe, confinement };
    return { ...confined, wishes: recipe.wishes.map((wish) => Object.assign({}, wish, { origin })) };
  });
}

interface Remembered {
  readonly source: SourceSettings;
  readonly store: SourceStore;
  readonly before: StoredContent | undefined;
  readonly status: StoredStatus;
  readonly wishLimit: number;
}

async function stale(
  { source, store, before, status, wishLimit }: Remembered,
  failure: Failure,
  now: Date,
): Promise<SourceState> {
  const failingSince = status.failingSince ?? now.toISOString();
  if (status.failingSince === undefined)
    await failureWithoutRoom(async () => await store.setStatus({ ...status, failingSince }));
  return {
    name: source.name,
    content: before && contentOf(source, before, wishLimit),
    fetchedAt: status.fetchedAt,
    failure,
    failingSince,
  };
}

/** `undefined` where this version of unpackd does not understand what an earlier one did: the failure is told already. */
function contentOf(
  source: SourceSettings,
  stored: StoredContent,
  wishLimit: number,
): SourceContent | undefined {
  const { commit, since } = stored;
  try {
    return { recipes: recipesOf(source, stored, wishLimit), commit, since };
  } catch {
    return undefined;
  }
}

function isSame(before: StoredContent, { files, commit }: Fetched): boolean {
  return isDeepStrictEqual([before.files, before.commit], [files, commit]);
}
