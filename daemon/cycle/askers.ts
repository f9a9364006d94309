import type { ReadSources } from '../../wishlist/meaning/read-sources.ts';
import type { RefusedImages } from '../../wishlist/meaning/uncertainty.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import type { Asked } from '../state/state.ts';
import type { SourceState } from '../../wishlist/sources/source.ts';

/** Where the wishes of a cycle come from. */
export interface Origins {
  /** Empty for a recipe named on the command line. */
  readonly sources: readonly SourceState[];
  /** The path of a recipe named on the command line: it is a source too, also where `sources` has it. */
  readonly recipePath?: string | undefined;
}

/** Which sources could be read, and which there are. */
export function readSourcesOf(origins: Origins): ReadSources {
  const { sources, recipePath } = origins;
  const read = sources.filter(({ content, failure }) => content !== undefined && failure === undefined);
  const names = read.map(({ name }) => askerOf(name, origins));
  if (sources.length > 0)
    return { read: new Set(names), configured: new Set(sources.map(({ name }) => askerOf(name, origins))) };
  return { read: new Set(recipePath === undefined ? [] : [recipePath]), configured: undefined };
}

/** What lines ask for that are refused, with who asks. */
export function refusedOf(refused: readonly RefusedImages[], origins: Origins): RefusedImages[] {
  return refused.map(({ source = origins.recipePath, ...images }) => ({
    ...images,
    source: source === undefined ? undefined : askerOf(source, origins),
  }));
}

/** A configured file that has its path for a name is no recipe: it may be taken out of the configuration. */
function askerOf(source: string, { recipePath }: Origins): string {
  return source.startsWith('/') && source !== recipePath ? fileAsker(source) : source;
}

export function fileAsker(path: string): string {
  return `file:${path}`;
}

/** By public name, who asks for the images of `repository`. */
export function askersIn(
  repository: string,
  images: readonly WishedImage[],
  origins: Origins,
): Map<string, Asked> {
  const askers = new Map<string, Asked>();
  for (const { publicName, repositories, wishes, keep } of images) {
    if (!repositories.includes(repository)) continue;
    const sources = wishes.map(({ wish }) => wish.origin?.source ?? origins.recipePath);
    const named = sources.filter((source) => source !== undefined);
    const asking = new Set(named.map((source) => askerOf(source, origins)));
    askers.set(publicName, { sources: [...asking], keep });
  }
  return askers;
}
