import { basename, dirname } from 'node:path/posix';
import { mapLimited } from '../../core/concurrency.ts';
import { LINUX_AMD64 } from '../../core/oci/platform.ts';
import { METADATA_FOLDER, parsePlatformName, platformName } from '../../publisher/image/layout.ts';
import { foundImage, type FoundImage } from '../../publisher/published/find-published.ts';
import { keptForOf } from '../../publisher/published/name-notes.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import { READS_AT_A_TIME } from '../../publisher/publication/walk.ts';
import type { PublishedImage } from '../../wishlist/meaning/plan.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';

/** Images that tags of `wanted` led to before, and that `published` lacks: their publications bring them along. */
export async function newlyKept(
  view: RepositoryView,
  wanted: readonly WishedImage[],
  published: readonly PublishedImage[],
): Promise<FoundImage[]> {
  const starts = startsOf(wanted);
  if (starts.size === 0) return [];
  const known = new Set(published.map((one) => platformName(one.platform, one.publicName)));
  const found: FoundImage[] = [];
  for (const [folder, ofFolder] of starts) {
    const children = await view.list(`${METADATA_FOLDER}/${folder}`);
    const ofDigests = children.filter(({ name }) => ofFolder.has(name.slice(0, name.indexOf('@') + 1)));
    for (const { name } of ofDigests) {
      if (known.has(`${folder}/${name}`)) continue;
      const image = await foundImage(view, `${folder}/${name}`);
      if (image?.keptFor !== undefined) found.push(image);
    }
  }
  return found;
}

/** By folder, how the names in it begin that have digests in place of the tags of `wanted`. */
function startsOf(wanted: readonly WishedImage[]): Map<string, Set<string>> {
  const starts = new Map<string, Set<string>>();
  for (const { keptDigests, reference, publicName, platforms } of wanted) {
    if (keptDigests === undefined || reference.tag === undefined) continue;
    for (const { platform } of platforms ?? [{ platform: LINUX_AMD64 }]) {
      const name = platformName(platform, publicName);
      const start = `${basename(name).replace(/:.*/s, '')}@`;
      starts.set(dirname(name), (starts.get(dirname(name)) ?? new Set()).add(start));
    }
  }
  return starts;
}

/** `published` with the tags that led to images before. */
export async function withKeptFor(
  view: RepositoryView,
  published: readonly PublishedImage[],
): Promise<PublishedImage[]> {
  return await mapLimited(published, READS_AT_A_TIME, async (one) => {
    const { publicName, platform } = one;
    const isDigest = publicName.includes('@', publicName.lastIndexOf('/'));
    const note = isDigest ? await keptForOf(view, platformName(platform, publicName)) : undefined;
    const keptFor = note && {
      publicName: parsePlatformName(note.name).publicName,
      sinceMs: Date.parse(note.since),
    };
    return keptFor === undefined ? one : { ...one, keptFor };
  });
}
