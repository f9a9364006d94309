import { isDeepStrictEqual } from 'node:util';
import { mapLimited } from '../concurrency.ts';
import { isFailure, type Failure } from '../failure.ts';
import { parseRecipe, type Recipe } from '../recipe/recipe.ts';
import type { WishOrigin } from '../recipe/origin.ts';
import { fetchFile } from './fetch-file.ts';
import { fetchUrl } from './fetch-url.ts';
import { fetchGit } from './git/fetch.ts';
import type { Fetched, SourceContent, SourceLimits, SourceSettings, SourceState } from './source.ts';
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
  readonly now?: () => Date;
}

const SOURCES_AT_A_TIME = 4;
const TIME_LIMIT_MS = 120_000;
const SIZE_LIMIT_BYTES = 256 * 1024 ** 2;

/**
 * Asks all sources what they say now; the result is in their order. Where one fails, or says what is no recipe, its last
 * good content stays in force, with the failure beside it. Where there is no room to remember what one says, that is
 * its failure, and what it says counts.
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
  const { signal, environment, now = () => new Date() } = options;
  const { timeLimitMs = TIME_LIMIT_MS, sizeLimitBytes = SIZE_LIMIT_BYTES } = options;
  signal?.throwIfAborted();
  const store = await SourceStore.open(options.directory, source);
  const [before, status] = [await store.content(), await store.status()];
  const nowText = (): string => now().toISOString();
  let fetched: Fetched;
  let recipes: readonly Recipe[];
  try {
    fetched = await fetch(source, { store, before }, { environment, timeLimitMs, sizeLimitBytes, signal });
    recipes = recipesOf(source, fetched);
  } catch (error) {
    if (!isFailure(error) || isFailure(error, 'interrupted', 'state-unusable')) throw error;
    return await stale({ source, store, before, status }, error, nowText());
  }
  const since = before !== undefined && isSame(before, fetched) ? before.since : nowText();
  const fetchedAt = nowText();
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
      return await fetchFile(source);
    case 'url':
      return await fetchUrl(source, before, limits);
  }
}

/** @throws Failure `recipe-unreadable`, `recipe-invalid` */
function recipesOf({ name }: SourceSettings, { files, commit }: Fetched): Recipe[] {
  return files.map(({ label, text }) => {
    const recipe = parseRecipe(text, label);
    const origin: WishOrigin = { source: name, file: label, commit };
    return { ...recipe, wishes: recipe.wishes.map((wish) => Object.assign({}, wish, { origin })) };
  });
}

interface Remembered {
  readonly source: SourceSettings;
  readonly store: SourceStore;
  readonly before: StoredContent | undefined;
  readonly status: StoredStatus;
}

async function stale(
  { source, store, before, status }: Remembered,
  failure: Failure,
  now: string,
): Promise<SourceState> {
  const failingSince = status.failingSince ?? now;
  if (status.failingSince === undefined)
    await failureWithoutRoom(async () => await store.setStatus({ ...status, failingSince }));
  return {
    name: source.name,
    content: before && remembered(source, before),
    fetchedAt: status.fetchedAt,
    failure,
    failingSince,
  };
}

/** `undefined` where this version of unpackd does not understand what an earlier one did. */
function remembered(source: SourceSettings, stored: StoredContent): SourceContent | undefined {
  const { commit, since } = stored;
  try {
    return { recipes: recipesOf(source, stored), commit, since };
  } catch (error) {
    if (isFailure(error, 'recipe-unreadable', 'recipe-invalid')) return undefined;
    throw error;
  }
}

function isSame(before: StoredContent, { files, commit }: Fetched): boolean {
  return isDeepStrictEqual([before.files, before.commit], [files, commit]);
}
