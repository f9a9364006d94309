import type { ReadSources } from '../../wishlist/meaning/removal.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import type { Asked } from '../state/state.ts';
import type { SourceState } from '../../wishlist/sources/source.ts';

/** Where the wishes of a cycle come from. */
export interface Origins {
  /** Empty for a recipe named on the command line. */
  readonly sources: readonly SourceState[];
  /** The real path of a recipe named on the command line: it is a source too. */
  readonly recipePath?: string | undefined;
}

/** Which sources could be read, and which there are. */
export function readSourcesOf({ sources, recipePath }: Origins): ReadSources {
  const read = sources.filter(({ content, failure }) => content !== undefined && failure === undefined);
  const names = read.map(({ name }) => name);
  const configured = sources.length === 0 ? undefined : new Set(sources.map(({ name }) => name));
  return { read: new Set(recipePath === undefined ? names : [...names, recipePath]), configured };
}

/** By public name, who asks for the images of `repository`. */
export function askersIn(
  repository: string,
  images: readonly WishedImage[],
  { recipePath }: Origins,
): Map<string, Asked> {
  const askers = new Map<string, Asked>();
  for (const { publicName, repositories, wishes, keep } of images) {
    if (!repositories.includes(repository)) continue;
    const sources = wishes.map(({ wish }) => wish.origin?.source ?? recipePath);
    const asking = new Set(sources.filter((source) => source !== undefined));
    askers.set(publicName, { sources: [...asking], keep });
  }
  return askers;
}
