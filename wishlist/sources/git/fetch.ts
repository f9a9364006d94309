import { isFailure } from '../../../core/failure.ts';
import type { Commit } from '../../recipe/wish.ts';
import { quoted } from '../../../core/text.ts';
import { decodeText, MAXIMUM_BYTES } from '../../recipe/text-file.ts';
import {
  RECIPE_FILES,
  type RecipeFile,
  type RecipeFiles,
  type SourceLimits,
  type WishlistSource,
} from '../source.ts';
import { orUnusable } from '../../../core/system-failure.ts';
import { Clone } from './clone.ts';
import { GitCommandError, openGit, type Git } from './command.ts';
import type { GitSettings } from './settings.ts';
import { remoteFailure, sourceFailure, unknownFailure } from './failure.ts';

/** The recipes that `settings` name, with the commit that they are in. */
export function gitSource(settings: GitSettings): WishlistSource<RecipeFiles> {
  const { name, address, branch, paths } = settings;
  return {
    name,
    identity: ['git', address.url, branch ?? null, paths],
    ...RECIPE_FILES,
    fetch: async (_, request) => ({ content: await fetchGit(settings, request.folder, request) }),
  };
}

/** The fetched commit, in the clone. */
const REF = 'refs/unpackd/head';

/** Hash, date and author, the latter within 200 columns. */
const FORMAT = '--format=%H%x00%cI%x00%<(200,trunc)%an';

/**
 * Reads the recipes of `source` from the newest commit of its branch. The clone of an earlier time in `folder` saves
 * traffic and is trusted with nothing: where anything about it is odd, a new one takes its place, once.
 *
 * @throws Failure `source-unreachable`, `source-untrusted`, `source-unauthorized`, `source-invalid`,
 *   `recipe-unreadable`, `state-unusable`, `disk-full`; the reason of the signal
 */
async function fetchGit(source: GitSettings, folder: string, limits: SourceLimits): Promise<RecipeFiles> {
  return await orUnusable({ path: folder, code: 'state-unusable' }, async () => {
    const kept = await Clone.claim(folder);
    const fetched = kept === undefined ? undefined : await readKept(kept, source, limits);
    return fetched ?? (await readNew(await Clone.make(folder), source, limits));
  });
}

/** `undefined` where a new clone is needed. */
async function readKept(
  clone: Clone,
  source: GitSettings,
  limits: SourceLimits,
): Promise<RecipeFiles | undefined> {
  let fetched: RecipeFiles;
  try {
    fetched = await read(clone, source, limits);
  } catch (error) {
    const failure = error instanceof GitCommandError ? remoteFailure(error, source, limits) : error;
    const isSound = isFailure(failure) && limits.signal?.aborted !== true;
    // Where it was the other side's fault the clone is as good as before.
    if (isSound) await clone.keep(limits.sizeLimitBytes);
    else await clone.discard();
    limits.signal?.throwIfAborted();
    if (failure === undefined) return undefined;
    throw failure;
  }
  await clone.keep(limits.sizeLimitBytes);
  return fetched;
}

async function readNew(clone: Clone, source: GitSettings, limits: SourceLimits): Promise<RecipeFiles> {
  try {
    await openGit(source, clone.path, limits).run('init', '--bare', '--quiet', '--template=');
    const fetched = await read(clone, source, limits);
    await clone.keep(limits.sizeLimitBytes);
    return fetched;
  } catch (error) {
    await clone.discard();
    limits.signal?.throwIfAborted();
    if (!(error instanceof GitCommandError)) throw error;
    throw remoteFailure(error, source, limits) ?? unknownFailure(error, source);
  }
}

async function read(clone: Clone, source: GitSettings, limits: SourceLimits): Promise<RecipeFiles> {
  const git = openGit(source, clone.path, limits);
  const remote = source.branch === undefined ? 'HEAD' : `refs/heads/${source.branch}`;
  await git.run(
    'fetch',
    '--quiet',
    '--depth=1',
    '--no-tags',
    '--no-write-fetch-head',
    '--end-of-options',
    source.address.url,
    `+${remote}:${REF}`,
  );
  const commit = await commitOf(git);
  const files: RecipeFile[] = [];
  for (const path of source.paths) files.push(await readFile(git, source, { path, commit }));
  return { files, commit };
}

async function commitOf(git: Git): Promise<Commit> {
  const line = await git.run('log', '-1', '--no-show-signature', FORMAT, REF);
  const [hash = '', date = '', author = ''] = line.trimEnd().split('\0');
  return { hash, date, author };
}

/** A symbolic link is refused, as a recipe and on the way to one: it may lead out of the repository. */
async function readFile(
  git: Git,
  source: GitSettings,
  { path, commit }: { readonly path: string; readonly commit: Commit },
): Promise<RecipeFile> {
  const refused = (reason: string): Error =>
    sourceFailure(source, {
      code: 'source-invalid',
      reason: `${quoted(path)} in commit ${commit.hash.slice(0, 12)} ${reason}`,
      hint: 'correct path, or commit a recipe there',
    });
  const listing = await git.run('ls-tree', '-z', '--long', '--full-tree', commit.hash, '--', path);
  const [, mode, object = '', size] = /^(\d+) \w+ ([0-9a-f]+) +(\d+|-)\t/.exec(listing) ?? [];
  if (mode === undefined) throw refused('does not exist');
  if (mode === '120000') throw refused('is a symbolic link');
  if (!mode.startsWith('100')) throw refused(mode === '160000' ? 'is a submodule' : 'is a directory');
  if (Number(size) > MAXIMUM_BYTES) throw refused('is larger than 4 MiB');
  const label = `${source.name}/${path}`;
  return { label, text: decodeText(await git.blob(object), label) };
}
