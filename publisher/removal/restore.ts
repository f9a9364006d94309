import { hexOf } from '../../core/oci/digest.ts';
import { layerDigests, type NamedImage } from '../image/image.ts';
import { flatId, MANIFEST_FILE, manifestPath, metadataPath, removedPath, treePath } from '../image/layout.ts';
import { treeName, type TreeName } from '../outputs/output.ts';
import { enabledOutputs } from '../outputs/outputs.ts';
import { metadataFile, publisherAttributes, type Entry } from '../publication/entry.ts';
import type { OpenRepository, Publication } from '../publication/backend.ts';
import type { RepositoryView } from '../publication/view.ts';
import { byHandFile } from '../published/name-notes.ts';
import { isRecorded, layerLocation, type TreeLocation } from '../published/published.ts';
import { withFolders } from './gone-paths.ts';
import { NameChanges, type NamesContext } from './name-changes.ts';
import type { NamesPublisher } from './removal.ts';
import { keptFiles, removedName, REMOVED_FILE, type RemovedName } from './removed-image.ts';

/**
 * - `restored`: the name leads to the image again, in every form in which it was published;
 * - `trees-gone`: something that it needs is gone, so that it has to be published from its registry again;
 * - `unknown`: nothing is kept of an image with this name;
 * - `published`: the name leads to an image.
 */
export type RestoreOutcome = 'restored' | 'trees-gone' | 'unknown' | 'published';

export interface RestoreOptions {
  /** A wish asks for the image. Any other one counts as published by hand: else it would go again. */
  readonly isAskedFor: boolean;
  /** Called while the repository is held, before anything is published; not where the name is not given. */
  readonly onRestoring?: ((image: RemovedName) => Promise<void>) | undefined;
}

/**
 * Gives a public name again that {@link removeNames} took back.
 *
 * @param name as `platformName` gives it
 * @throws Failure: nothing has changed then
 */
export async function restoreName(
  publisher: NamesPublisher,
  name: string,
  options: RestoreOptions,
): Promise<RestoreOutcome> {
  let outcome: RestoreOutcome = 'unknown';
  await publisher.publish(async (repository) => {
    const { clientRoot } = publisher;
    const context = { ...options, clientRoot, attributes: publisherAttributes() };
    const composed = await composeRestoration(repository, name, context);
    if (typeof composed !== 'string') {
      outcome = 'restored';
      return composed;
    }
    outcome = composed;
    return undefined;
  }, `restoration of ${name}`);
  return outcome;
}

async function composeRestoration(
  repository: OpenRepository,
  name: string,
  options: RestoreOptions & NamesContext,
): Promise<Publication | RestoreOutcome> {
  const { view } = repository;
  if ((await view.kindOf(manifestPath(name))) !== undefined) return 'published';
  const image = await removedName(view, name);
  if (image === undefined) return 'unknown';
  const trees = treesOf(image);
  for (const tree of trees) if (!(await isRecorded(view, tree))) return 'trees-gone';
  const changes = new NameChanges(repository.view, options);
  if (!(await changes.restore(image, image.files))) return 'trees-gone';
  const { publication, leftOut } = await changes.composition(repository, {
    added: metadataOf(image, options),
    gone: async (outdated) => await withFolders(view, [...outdated, ...(await keptPaths(view, name))]),
    referredTo: trees.map(treeName),
  });
  for (const failure of leftOut.values()) throw failure;
  await options.onRestoring?.(image);
  return publication;
}

/** The trees that the image had, in the forms in which it was published. */
function treesOf(image: NamedImage): TreeLocation[] {
  const { manifest, outputs } = image;
  const layers = layerDigests(image).map((digest) => ({ digest, isForeign: false }));
  const source = { config: manifest.config.digest, layers };
  const all = enabledOutputs(outputs).flatMap((output) => output.references?.(source) ?? []);
  return all.map((tree) =>
    locationOf(tree.kind === 'flat' ? { kind: 'flat', hex: hexOf(flatId(manifest)) } : tree),
  );
}

function locationOf({ kind, hex }: TreeName): TreeLocation {
  return kind === 'layers' ? layerLocation(`sha256:${hex}`) : { kind, hex, root: treePath(kind, hex) };
}

/** Without the records of outputs, which these write themselves. */
function metadataOf(
  { publicName, manifest }: RemovedName,
  { attributes, isAskedFor }: RestoreOptions & NamesContext,
): Entry[] {
  const file = metadataFile(metadataPath(publicName, MANIFEST_FILE), manifest.bytes, attributes);
  return isAskedFor ? [file] : [file, byHandFile(publicName, attributes)];
}

async function keptPaths(view: RepositoryView, name: string): Promise<string[]> {
  const paths: string[] = [];
  for (const file of [...keptFiles(), REMOVED_FILE]) {
    const path = removedPath(name, file);
    if ((await view.kindOf(path)) === 'file') paths.push(path);
  }
  return paths;
}
