import { formatPlatform, type Platform } from '../../core/oci/platform.ts';
import { groupBy } from '../../core/group-by.ts';
import { counted, quoted } from '../../core/text.ts';
import type { Remark } from '../../wishlist/check/finding.ts';
import { meantNames } from '../../wishlist/meaning/meant-names.ts';
import { DEFAULT_KEEP } from '../../wishlist/meaning/removal.ts';
import type { Recipe } from '../../wishlist/recipe/recipe.ts';
import type { Keep, WishSettings } from '../../wishlist/recipe/settings.ts';

/** An image that is published, as far as can be seen from here. */
export interface PublishedName {
  readonly publicName: string;
  readonly platform: Platform;
  /** As the state remembers it, where nobody else asks for it. */
  readonly remembered?: { readonly keep: Keep | undefined } | undefined;
}

/** A public name that nobody asks for once the recipes are in force. */
export interface LostName {
  readonly repository: string;
  readonly publicName: string;
  readonly platform: Platform;
  /** How long it stays. */
  readonly keep: Keep;
}

export interface RemovalCheck {
  /** Everything published in the repository; empty if that cannot be seen. */
  readonly publishedIn: (repository: string) => Promise<readonly PublishedName[]>;
  /** Settings of lines that make none. */
  readonly defaults: WishSettings;
  readonly removalLimit: number;
}

const SHOWN = 20;

/**
 * Public names that a recipe takes away: those that its earlier version may have meant or, where there is none, that it is
 * remembered to have asked for, and that no line of `recipes` may mean.
 */
export async function lostNames(
  before: Recipe | undefined,
  recipe: Recipe,
  recipes: readonly Recipe[],
  { publishedIn, defaults }: RemovalCheck,
): Promise<LostName[]> {
  const lost: LostName[] = [];
  for (const repository of new Set([...(before?.repositories ?? []), ...recipe.repositories])) {
    const byPlatform = groupBy(await publishedIn(repository), ({ platform }) => formatPlatform(platform));
    for (const published of byPlatform.values()) {
      const [first] = published;
      if (first === undefined) continue;
      const place = { repository, platform: first.platform };
      const names = published.map(({ publicName }) => publicName);
      const asked =
        before === undefined ? remembered(published) : meantNames(names, [before], place, defaults);
      const meant = meantNames([...asked.keys()], recipes, place, defaults);
      for (const [publicName, keep = DEFAULT_KEEP] of asked)
        if (!meant.has(publicName)) lost.push({ ...place, publicName, keep });
    }
  }
  return lost;
}

function remembered(published: readonly PublishedName[]): Map<string, Keep | undefined> {
  return new Map(
    published.flatMap(({ publicName, remembered: one }) =>
      one === undefined ? [] : [[publicName, one.keep]],
    ),
  );
}

/** A remark for each time for which names stay. */
export function lossRemarks(lost: readonly LostName[], isChange: boolean, removalLimit: number): Remark[] {
  return [...groupBy(lost, ({ repository, keep }) => JSON.stringify([repository, keep])).values()].flatMap(
    (group) => {
      const [first] = group;
      return first === undefined ? [] : [remarkOn(group, first, isChange, removalLimit)];
    },
  );
}

function remarkOn(
  group: readonly LostName[],
  { repository, keep }: LostName,
  isChange: boolean,
  removalLimit: number,
): Remark {
  const names = group.slice(0, SHOWN).map(nameText);
  const list = [...names, ...(group.length > SHOWN ? [`${group.length - SHOWN} more`] : [])].join(', ');
  const count = counted(group.length, 'published image');
  const held = group.length > removalLimit ? `; more than ${removalLimit} at once wait for an operator` : '';
  const message =
    keep === 'forever'
      ? `${count} of ${repository} will be asked for by nobody, and stay for ever: ${list}`
      : `${count} of ${repository} will lose the public name, ${counted(keep.days, 'day')} after ${isChange ? 'the change' : 'that is found'}: ${list}${held}`;
  return {
    severity: isChange && keep !== 'forever' ? 'warning' : 'note',
    code: 'names-removed',
    line: 1,
    column: undefined,
    text: '',
    message,
    hint: 'see that nobody else needs them; asking for them again undoes it',
  };
}

function nameText({ publicName, platform }: LostName): string {
  const shown = formatPlatform(platform);
  return shown === 'linux/amd64' ? quoted(publicName) : `${quoted(publicName)} (${shown})`;
}
