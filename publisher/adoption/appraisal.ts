import { mapLimited } from '../../core/concurrency.ts';
import { isFailure } from '../../core/failure.ts';
import { groupBy } from '../../core/group-by.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { OUTPUT_FORMS, outputsOf, type OutputName, type Outputs } from '../../core/outputs.ts';
import { layerDigests } from '../image/image.ts';
import {
  chainIds,
  chainPath,
  layerRoot,
  MANIFEST_FILE,
  manifestPath,
  parsePlatformName,
  platformName,
  usualName,
} from '../image/layout.ts';
import { foundOutputs } from '../outputs/outputs.ts';
import type { IdentifiedImage } from '../outputs/output.ts';
import type { RepositoryView } from '../publication/view.ts';
import { READS_AT_A_TIME } from '../publication/walk.ts';
import { namesWith, publishedNames } from '../published/find-published.ts';
import { imageOfManifest, type PublishedImage } from '../published/published-image.ts';
import { FLAW_KINDS, isInAnyStore, TreeInspector, type Flaw, type FlawKind } from './flaws.ts';
import { standardManifest } from './foreign-manifest.ts';
import { findLinks, targetWithin, type FoundLink } from './names.ts';

/** An image with a manifest that other programs published, or that is unpackd's already if it has no flaws. */
export interface Adoptable {
  readonly image: PublishedImage;
  /** Its manifest is not what the registry serves, but made of what DUCC kept of that. */
  readonly isRewritten: boolean;
  readonly flaws: readonly Flaw[];
}

/** A public name with a tree of which no manifest says what it is, or not readably. */
export interface Unidentified {
  readonly name: string;
  /** Program that published it, by its layout: the OSG's is cvmfs-singularity-sync. */
  readonly madeBy: 'ducc' | 'osg' | 'unknown';
  /** The image that DUCC published under this name by its digest, of which the registry still knows the manifest. */
  readonly pinned: ImageReference | undefined;
  readonly flaws: readonly Flaw[];
}

/** What a repository has, and what is wrong with it. */
export interface Appraisal {
  readonly images: readonly Adoptable[];
  readonly others: readonly Unidentified[];
  /** Names under which DUCC has manifests where unpackd has others, and these: once all of them are there, the first go. */
  readonly duplicates: ReadonlyMap<string, readonly string[]>;
}

export interface AppraisalOptions {
  /** The reference of the image with a plain public name; `undefined`: it is no image's. */
  readonly referenceOf: (plainName: string) => ImageReference | undefined;
  /** Called for each image that was looked at. */
  readonly onImage: (done: number, all: number) => void;
}

/**
 * Looks at everything in a repository that may be an image. Nothing is changed, no registry asked, and no link followed.
 *
 * @throws Failure `repository-unusable`
 */
export async function appraise(view: RepositoryView, options: AppraisalOptions): Promise<Appraisal> {
  const all = (await namesWith(MANIFEST_FILE, view)).toSorted();
  const names = (await publishedNames(view)).filter(hasVersion).toSorted();
  const links = await findLinks(view);
  const inspector = new TreeInspector(view);
  let done = 0;
  const looked = await mapLimited(names, READS_AT_A_TIME, async (name) => {
    const found = await lookAt(name, { view, inspector, options });
    options.onImage(++done, names.length);
    return found;
  });
  const images = looked.flatMap((found) => ('image' in found ? [found] : []));
  const unreadable = looked.flatMap((found) => ('image' in found ? [] : [found]));
  // A plain name may lead to the platforms of an image that has no manifest for linux/amd64.
  const known = new Set(names.flatMap((name) => [usualName(name), parsePlatformName(name).publicName]));
  const nameless = links.flatMap((link) =>
    known.has(usualName(link.path)) ? [] : unidentified(link, known, options),
  );
  const duplicates = duplicatesAmong(all, links);
  const lone = all.filter((name) => !hasVersion(name) && !duplicates.has(name)).map(withoutName);
  return { images, others: [...unreadable, ...lone, ...nameless], duplicates };
}

/** How often each kind of flaw is there: one with a tree that several images have counts once. */
export function countFlaws({ images, others }: Appraisal): ReadonlyMap<FlawKind, number> {
  const all = [...images, ...others].flatMap(({ flaws }) => flaws);
  const paths = groupBy(all, ({ kind }) => kind);
  const kinds = [...paths.keys()].toSorted(
    (one, other) => FLAW_KINDS.indexOf(one) - FLAW_KINDS.indexOf(other),
  );
  return new Map(kinds.map((kind) => [kind, new Set(paths.get(kind)?.map(({ path }) => path)).size]));
}

interface Looking {
  readonly view: RepositoryView;
  readonly inspector: TreeInspector;
  readonly options: AppraisalOptions;
}

async function lookAt(
  name: string,
  { view, inspector, options }: Looking,
): Promise<Adoptable | Unidentified> {
  const path = manifestPath(name);
  const published = (await view.read(path)) ?? Buffer.alloc(0);
  const standard = standardManifest(published);
  const { platform, publicName: plainName } = parsePlatformName(name);
  const at = { name, bytes: standard ?? published };
  try {
    const facts = { outputsOf: outputsAnybodyMade, referenceOf: () => options.referenceOf(plainName) };
    const found = await imageOfManifest(view, at, facts);
    const image = { ...found, publicName: platformName(platform, plainName) };
    const flaws = await inspector.flawsOf(image);
    const isRewritten = standard !== undefined;
    return {
      image,
      isRewritten,
      flaws: isRewritten ? [{ kind: 'manifest-rewritten', path, count: 1 }, ...flaws] : flaws,
    };
  } catch (error) {
    if (!isFailure(error, 'manifest-invalid', 'media-type-unsupported', 'reference-invalid')) throw error;
    const flaws: Flaw[] = [{ kind: 'manifest-unreadable', path, count: 1 }];
    return { name, madeBy: 'unknown', pinned: undefined, flaws };
  }
}

/** The forms in which anybody published it: DUCC says nothing of them, and may have left some of an image out. */
async function outputsAnybodyMade(view: RepositoryView, image: IdentifiedImage): Promise<Outputs> {
  const found = new Set<OutputName>(await foundOutputs(view, image));
  if (await hasAnyLayer(view, image)) found.add('layers');
  if (await isInAnyStore(view, image)) found.add('podman');
  const [top] = chainIds(layerDigests(image)).slice(-1);
  if (top !== undefined && (await view.kindOf(chainPath(top))) === 'directory') found.add('chains');
  return outputsOf([...found]);
}

async function hasAnyLayer(view: RepositoryView, image: IdentifiedImage): Promise<boolean> {
  for (const layer of layerDigests(image))
    if ((await view.kindOf(layerRoot(layer))) === 'directory') return true;
  return false;
}

/** DUCC keeps the metadata of an image that is asked for by its digest under its repository's name. */
function hasVersion(name: string): boolean {
  return /[:@]/.test(name.slice(name.lastIndexOf('/') + 1));
}

/** DUCC names an image that is asked for by its digest like a tag. */
const DUCC_PINNED = /^(?<path>.+):(?<digest>sha256:[0-9a-f]{64})$/s;

function unidentified(
  link: FoundLink,
  known: ReadonlySet<string>,
  { referenceOf }: AppraisalOptions,
): Unidentified[] {
  const { path, target } = link;
  const flaws: Flaw[] = [{ kind: 'manifest-missing', path, count: 1 }];
  if (/(?:^|\/)\.images\/[^/]+\/[^/]+\/?$/.test(target))
    return [{ name: path, madeBy: 'osg', pinned: undefined, flaws }];
  if (targetWithin(link)?.startsWith(`${OUTPUT_FORMS.flat.folder}/`) !== true) return [];
  const { path: repository, digest } = DUCC_PINNED.exec(path)?.groups ?? {};
  if (repository === undefined || digest === undefined)
    return [{ name: path, madeBy: 'unknown', pinned: undefined, flaws }];
  const name = `${repository}@${digest}`;
  if (known.has(name)) return [];
  return [{ name: path, madeBy: 'ducc', pinned: referenceOf(name), flaws }];
}

/** Metadata of an image that DUCC was asked for by its digest, of which nothing says by which. */
function withoutName(name: string): Unidentified {
  const flaws: Flaw[] = [{ kind: 'name-missing', path: manifestPath(name), count: 1 }];
  return { name, madeBy: 'ducc', pinned: undefined, flaws };
}

function duplicatesAmong(
  names: readonly string[],
  links: readonly FoundLink[],
): ReadonlyMap<string, readonly string[]> {
  const duplicates = new Map<string, readonly string[]>();
  for (const name of names) {
    const usual = usualName(name);
    const others = hasVersion(name) ? [usual] : pinnedNames(name, links);
    if (usual !== name || (!hasVersion(name) && others.length > 0)) duplicates.set(name, others);
  }
  return duplicates;
}

/** Public names of unpackd's for what DUCC has pinned in a repository. */
function pinnedNames(repository: string, links: readonly FoundLink[]): string[] {
  return links.flatMap(({ path }) =>
    path.startsWith(`${repository}:sha256:`) ? [`${repository}@${path.slice(repository.length + 1)}`] : [],
  );
}
