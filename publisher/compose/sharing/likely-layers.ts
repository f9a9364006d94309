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

/** Knows which layers of published images to look in. What is published does not change meanwhile: it is looked up once. */
export class LikelyLayers {
  readonly #view: RepositoryView;
  /** By folder and name of a repository, its images, the latest first. */
  readonly #latest = new Map<string, Promise<readonly string[]>>();
  readonly #layers = new Map<string, Promise<readonly Digest[]>>();

  constructor(view: RepositoryView) {
    this.#view = view;
  }

  /**
   * The layers of published images that are likely to have files of `image`, lowest first: of the one that has its name, then of
   * its latest siblings.
   */
  async of({ publicName }: Pick<NamedImage, 'publicName'>): Promise<(readonly Digest[])[]> {
    const slash = publicName.lastIndexOf('/');
    const folder = publicName.slice(0, slash + 1);
    const [repository = ''] = publicName.slice(slash + 1).split(/[:@]/, 1);
    const latest = await once(
      this.#latest,
      `${folder}${repository}`,
      async () => await latestIn(this.#view, folder, repository),
    );
    const names = [publicName, ...latest.filter((name) => name !== publicName)].slice(0, MOST_IMAGES);
    return await Promise.all(
      names.map(async (name) => await once(this.#layers, name, async () => await layersOf(this.#view, name))),
    );
  }
}

async function once<T>(known: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? find();
  known.set(key, found);
  return await found;
}

async function layersOf(view: RepositoryView, name: string): Promise<Digest[]> {
  const layers = (await foundImage(view, name))?.layers ?? [];
  return layers.map(({ digest }) => digest).filter(isDigest);
}

/** The layers of `images` for one at `position` of an image, the likeliest first: those at the same place. */
export function likeliestFirst(images: readonly (readonly Digest[])[], position: number): Digest[] {
  const atPosition = images.flatMap((layers) => layers[position] ?? []);
  return [...new Set([...atPosition, ...images.flat()])];
}

async function latestIn(view: RepositoryView, folder: string, repository: string): Promise<string[]> {
  const children = await view.list(`${METADATA_FOLDER}/${folder}`.replace(/\/$/, ''));
  const siblings = children
    .filter(({ name }) => name.startsWith(`${repository}:`) || name.startsWith(`${repository}@`))
    .slice(0, MOST_TAGS)
    .map(({ name }) => `${folder}${name}`);
  const dated = await mapLimited(siblings, READS_AT_A_TIME, async (name) => ({
    name,
    time: (await view.inodeOf(manifestPath(name)))?.attributes.mtime ?? 0,
  }));
  return dated.toSorted((one, other) => other.time - one.time).map(({ name }) => name);
}
