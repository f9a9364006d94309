import { mapLimited } from '../../../core/concurrency.ts';
import { isDigest, type Digest } from '../../../core/oci/digest.ts';
import type { NamedImage } from '../../image/image.ts';
import { manifestPath, METADATA_FOLDER } from '../../image/layout.ts';
import { foundImage } from '../../published/find-published.ts';
import type { RepositoryView } from '../../publication/view.ts';
import { READS_AT_A_TIME } from '../../publication/walk.ts';

/** Images whose layers are looked at: what the tag had before, and the latest of its repository. */
const MOST_IMAGES = 5;
/** Tags whose times are asked for, of repositories that have very many. */
const MOST_TAGS = 2_000;

/**
 * The layers of published images that are likely to have files of `image`, lowest first: of the one that has its name, then of its
 * latest siblings.
 */
export async function likelyLayers(
  view: RepositoryView,
  { publicName }: Pick<NamedImage, 'publicName'>,
): Promise<Digest[][]> {
  const images: Digest[][] = [];
  for (const name of await likelyImages(view, publicName)) {
    const layers = (await foundImage(view, name))?.layers ?? [];
    images.push(layers.map(({ digest }) => digest).filter(isDigest));
  }
  return images;
}

/** The layers of `images` for one at `position` of an image, the likeliest first: those at the same place. */
export function likeliestFirst(images: readonly (readonly Digest[])[], position: number): Digest[] {
  const atPosition = images.flatMap((layers) => layers[position] ?? []);
  return [...new Set([...atPosition, ...images.flat()])];
}

async function likelyImages(view: RepositoryView, publicName: string): Promise<string[]> {
  const slash = publicName.lastIndexOf('/');
  const folder = publicName.slice(0, slash + 1);
  const [repository = ''] = publicName.slice(slash + 1).split(/[:@]/, 1);
  const children = await view.list(`${METADATA_FOLDER}/${folder}`.replace(/\/$/, ''));
  const siblings = children
    .filter(({ name }) => name.startsWith(`${repository}:`) || name.startsWith(`${repository}@`))
    .slice(0, MOST_TAGS)
    .map(({ name }) => `${folder}${name}`);
  const dated = await mapLimited(siblings, READS_AT_A_TIME, async (name) => ({
    name,
    time: (await view.inodeOf(manifestPath(name)))?.attributes.mtime ?? 0,
  }));
  const latest = dated.toSorted((one, other) => other.time - one.time).map(({ name }) => name);
  return [publicName, ...latest.filter((name) => name !== publicName)].slice(0, MOST_IMAGES);
}
