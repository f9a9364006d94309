import { mapLimited } from '../../core/concurrency.ts';
import { messageOf } from '../../core/failure.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { counted } from '../../core/text.ts';
import { isPlain } from '../image/image.ts';
import {
  BY_HAND_FILE,
  KEPT_FOR_FILE,
  MANIFEST_FILE,
  manifestPath,
  metadataPath,
  multiarchName,
  removedPath,
} from '../image/layout.ts';
import type { RepositoryPublisher } from '../pipeline/repository-publisher.ts';
import type { OpenRepository, Publication } from '../publication/backend.ts';
import { metadataFile, publisherAttributes, type FileEntry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';
import { READS_AT_A_TIME } from '../publication/walk.ts';
import type { PublishedImage } from '../published/published-image.ts';
import { isOurs, publishedName } from '../outputs/published-name.ts';
import { isByHand } from '../published/name-notes.ts';
import { withFolders } from './gone-paths.ts';
import { NameChanges, type NamesContext } from './name-changes.ts';
import { encodeRemoval, keptFiles, REMOVED_FILE } from './removed-image.ts';

export interface NameToRemove {
  /** As `platformName` gives it. */
  readonly name: string;
  /** Kept with what is kept of the image. */
  readonly reason: string;
  /** Digest of the config of the image that is meant: another one that has the name by now stays. */
  readonly config?: string | undefined;
}

export interface RemovalOptions {
  readonly nowMs: number;
  /** Somebody asks for it by hand: then what was published by hand goes too. */
  readonly takesByHand: boolean;
  /** Asked when the repository is held, which may be long after: those of the names that are still to go. */
  readonly stillMeant?: (names: readonly NameToRemove[]) => Promise<readonly NameToRemove[]>;
}

export interface RemovalReport {
  readonly removed: readonly string[];
  /** By name, why it stays. */
  readonly kept: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/** The part of a publisher that publications from no image need. */
export type NamesPublisher = Pick<RepositoryPublisher, 'publish' | 'clientRoot' | 'view'>;

/**
 * Takes back public names, all in one publication: links, metadata, and what the outputs list. Trees stay, and so does what
 * {@link restoreName} needs. What is no longer as expected when the repository is held stays, and the report says why.
 *
 * @throws Failure: nothing has changed then
 */
export async function removeNames(
  publisher: NamesPublisher,
  names: readonly NameToRemove[],
  options: RemovalOptions,
): Promise<RemovalReport> {
  let report: RemovalReport = { removed: [], kept: new Map(), warnings: [] };
  const title = names.length === 1 ? (names[0]?.name ?? '') : counted(names.length, 'public name');
  await publisher.publish(async (repository) => {
    const meant = (await options.stillMeant?.(names)) ?? names;
    if (meant.length === 0) return undefined;
    const composed = await composeRemoval(repository, meant, {
      ...options,
      clientRoot: publisher.clientRoot,
      attributes: publisherAttributes(),
    });
    report = composed.report;
    return composed.publication;
  }, `removal of ${title}`);
  return report;
}

/** What {@link removeNames} would do now: nothing is written, and the repository is not taken. */
export async function previewRemoval(
  { view, clientRoot }: Pick<NamesPublisher, 'view' | 'clientRoot'>,
  names: readonly NameToRemove[],
  options: RemovalOptions,
): Promise<Pick<RemovalReport, 'removed' | 'kept'>> {
  const kept = new Map<string, string>();
  const removed: string[] = [];
  const changes = new NameChanges(view, { clientRoot, attributes: publisherAttributes() });
  for (const { name, verdict } of await lookAt(view, names, options)) {
    const why = typeof verdict === 'string' ? verdict : await changes.withdraw(verdict);
    if (why === undefined) removed.push(name);
    else kept.set(name, why);
  }
  return { removed, kept };
}

async function composeRemoval(
  repository: OpenRepository,
  names: readonly NameToRemove[],
  options: RemovalOptions & NamesContext,
): Promise<{ publication: Publication | undefined; report: RemovalReport }> {
  const kept = new Map<string, string>();
  let left: Going[] = [];
  for (const { name, reason, verdict } of await lookAt(repository.view, names, options)) {
    if (typeof verdict === 'string') kept.set(name, verdict);
    else left.push({ image: verdict, reason });
  }
  // Bounded: each time fewer names are left.
  while (left.length > 0) {
    const changes = new NameChanges(repository.view, options);
    const going: Going[] = [];
    for (const one of left) {
      const why = await changes.withdraw(one.image);
      if (why === undefined) going.push(one);
      else kept.set(one.image.publicName, why);
    }
    if (going.length === 0) break;
    const { view } = repository;
    const composed = await changes.composition(repository, {
      added: await keptEntries(view, going, options),
      gone: async (outdated) =>
        await withFolders(view, [
          ...outdated,
          ...(await metadataOf(view, going)),
          ...(await staleOf(view, going)),
        ]),
    });
    if (composed.leftOut.size === 0) {
      const removed = going.map(({ image }) => image.publicName);
      return {
        publication: composed.publication,
        report: { removed, kept, warnings: composed.warnings },
      };
    }
    for (const [name, failure] of composed.leftOut) kept.set(name, messageOf(failure));
    left = going.filter(({ image }) => !composed.leftOut.has(image.publicName));
  }
  return { publication: undefined, report: { removed: [], kept, warnings: [] } };
}

/** A name that goes. */
interface Going {
  readonly image: PublishedImage;
  readonly reason: string;
}

/** What each name leads to, or why it stays. */
async function lookAt(
  view: RepositoryView,
  names: readonly NameToRemove[],
  options: RemovalOptions,
): Promise<(NameToRemove & { readonly verdict: PublishedImage | string })[]> {
  const each = [...new Map(names.map((one) => [one.name, one])).values()];
  return await mapLimited(each, READS_AT_A_TIME, async (one) => ({
    ...one,
    verdict: await verdictOn(view, one, options),
  }));
}

async function verdictOn(
  view: RepositoryView,
  { name, config }: NameToRemove,
  { takesByHand }: RemovalOptions,
): Promise<PublishedImage | string> {
  const image = await publishedName(view, name);
  if (image === undefined) return 'it is not published, or its manifest.json cannot be read';
  if (config !== undefined && image.manifest.config.digest !== config)
    return `it is another image by now: ${image.manifest.config.digest}`;
  if (!takesByHand && (await isByHand(view, name))) return 'it was published by hand';
  if (!(await isOurs(view, image))) return 'there is no record that unpackd published it';
  return image;
}

async function keptEntries(
  view: RepositoryView,
  going: readonly Going[],
  { attributes, nowMs }: RemovalOptions & NamesContext,
): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for (const { image, reason } of going) {
    const { publicName: name, manifest } = image;
    const files = new Map([[MANIFEST_FILE, manifest.bytes]]);
    for (const file of keptFiles()) {
      const bytes = await view.read(metadataPath(name, file));
      if (bytes !== undefined) files.set(file, bytes);
    }
    files.set(REMOVED_FILE, encodeRemoval(image, { reason, nowMs }));
    for (const [file, bytes] of files) entries.push(metadataFile(removedPath(name, file), bytes, attributes));
  }
  return entries;
}

/** Metadata of the names. What others put beside it stays. */
async function metadataOf(view: RepositoryView, going: readonly Going[]): Promise<BytePath[]> {
  const paths: BytePath[] = [];
  for (const { image } of going) {
    const { publicName: name, platform } = image;
    for (const file of [...keptFiles(), BY_HAND_FILE, KEPT_FOR_FILE]) paths.push(metadataPath(name, file));
    if (isPlain(platform)) paths.push(manifestPath(multiarchName(platform, name)));
  }
  return await existing(view, paths);
}

/** Of an earlier removal of the same name, what this one does not write again. */
async function staleOf(view: RepositoryView, going: readonly Going[]): Promise<BytePath[]> {
  const stale: BytePath[] = [];
  for (const { image } of going)
    for (const file of keptFiles())
      if ((await view.kindOf(metadataPath(image.publicName, file))) === undefined && file !== MANIFEST_FILE)
        stale.push(removedPath(image.publicName, file));
  return await existing(view, stale);
}

async function existing(view: RepositoryView, paths: readonly BytePath[]): Promise<BytePath[]> {
  const kinds = await mapLimited(paths, READS_AT_A_TIME, async (path) => await view.kindOf(path));
  return paths.filter((_, index) => kinds[index] === 'file');
}
