import type { Recipe } from '../../../wishlist/recipe/recipe.ts';
import assert from 'node:assert/strict';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import { Failure } from '../../../core/failure.ts';
import { planRepository, type Plan, type PublishedImage } from '../../../wishlist/meaning/plan.ts';
import { formatPlatform, LINUX_AMD64, type Platform } from '../../../core/oci/platform.ts';
import type { Absence } from '../../../wishlist/meaning/absence.ts';
import { WISHLIST } from '../../support/all-read.ts';
import type { Keep } from '../../../wishlist/recipe/settings.ts';
import type { Wish } from '../../../wishlist/recipe/wish.ts';
import { NOW_MS, PLATFORMS, randomWorld, TAGS, type World } from './random-world.ts';
import { wholeLists } from '../../support/whole-lists.ts';

const WORLDS = 2000;
const REPOSITORY = 'x';
const KEEP: Keep = { days: 2 };
const DAY_MS = 86_400_000;

/** What is published, by name and platform. */
type State = ReadonlyMap<string, PublishedImage>;

describe('wishlist/meaning/plan-random', () => {
  const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const counts = { add: 0, update: 0, unchanged: 0, unknown: 0, remove: 0, gone: 0 };

  it(`reaches what is wanted, and removes only what surely is not (UNPACKD_TEST_SEED=${seed})`, async () => {
    for (let number = 0; number < WORLDS; number++) {
      const world = randomWorld(seed + number);
      const before = stateOf(world.published);
      const plan = await planOf(world, before);
      const after = apply(plan, before);
      const message = `seed ${seed + number}`;
      assert.deepEqual(sorted(after), sorted(expected(world, before)), message);
      assert.deepEqual(sorted(apply(await planOf(world, after), after)), sorted(after), `${message}, again`);
      for (const part of ['add', 'update', 'unchanged', 'unknown', 'remove'] as const)
        counts[part] += plan[part].length;
      counts.gone += before.size + plan.add.length - after.size;
    }
    for (const [part, count] of Object.entries(counts)) assert.ok(count > WORLDS / 10, `${part}: ${count}`);
  });
});

async function planOf({ recipes, uncertainties, tags, digest, gone }: World, state: State): Promise<Plan> {
  const expansion = await expandRecipes(
    recipes,
    wholeLists(async (reference) => {
      const list = tags(reference);
      if (list === undefined) throw new Failure('registry-unreachable', 'no answer');
      return await Promise.resolve(list);
    }),
  );
  return planRepository(REPOSITORY, expansion.images, state.values(), {
    resolved: ({ reference }) => {
      const found = PLATFORMS.flatMap((platform) => {
        const known = digest(reference, platform);
        return known === undefined ? [] : [{ platform: { ...platform }, digest: known }];
      });
      return found.length === 0 ? undefined : found;
    },
    uncertainties: [...expansion.uncertainties, ...uncertainties],
    sources: { read: new Set([WISHLIST]), configured: new Set([WISHLIST, 'down']) },
    patterns: expansion.patterns,
    tags: { absent: (name) => absenceOf(gone(name)) },
    keep: KEEP,
    nowMs: NOW_MS,
  });
}

const FIRST_ABSENT_MS = NOW_MS - 3 * DAY_MS;

function absenceOf(gone: 'twice' | 'once' | undefined): Absence | undefined {
  if (gone === undefined) return undefined;
  return { firstMs: FIRST_ABSENT_MS, lastMs: gone === 'once' ? FIRST_ABSENT_MS : NOW_MS };
}

/** What the publisher and a garbage collection would make of the plan. */
function apply(plan: Plan, state: State): State {
  const after = new Map(state);
  for (const { image, platform, digest } of [...plan.add, ...plan.update]) {
    const { publicName, keep } = image;
    after.set(keyOf(publicName, platform), {
      publicName,
      platform,
      digest,
      keep,
      unwantedSinceMs: undefined,
      askedBy: state.get(keyOf(publicName, platform))?.askedBy ?? [WISHLIST],
      isConfirmed: false,
    });
  }
  for (const { image, platform } of plan.unchanged) {
    const key = keyOf(image.publicName, platform);
    const there = after.get(key);
    assert.ok(there !== undefined, key);
    after.set(key, {
      ...there,
      keep: image.keep,
      unwantedSinceMs: undefined,
    });
  }
  for (const { published, sinceMs, dueMs } of plan.remove) {
    const key = keyOf(published.publicName, published.platform);
    if (dueMs !== undefined && dueMs <= NOW_MS) after.delete(key);
    else after.set(key, { ...published, unwantedSinceMs: sinceMs });
  }
  return after;
}

/** The same without any plan: each name by itself, by asking every line. */
function expected(world: World, before: State): State {
  const after = new Map<string, PublishedImage>();
  const names = new Set([...before.values()].map(({ publicName }) => publicName));
  for (const claim of claims(world)) names.add(claim.name);
  for (const publicName of names) {
    for (const platform of PLATFORMS) {
      const there = before.get(keyOf(publicName, platform));
      const image = expectedImage(world, { publicName, platform, there });
      if (image !== undefined) after.set(keyOf(publicName, platform), image);
    }
  }
  return after;
}

function expectedImage(
  world: World,
  subject: { publicName: string; platform: Platform; there: PublishedImage | undefined },
): PublishedImage | undefined {
  const { publicName, platform, there } = subject;
  const claimants = claims(world).filter(({ name }) => name === publicName);
  const [first] = claimants;
  const agreeing = claimants.filter(({ image, scheme }) => image === first?.image && scheme === first.scheme);
  if (first !== undefined && agreeing.some(({ platforms }) => platforms.includes(platform))) {
    const digest = world.digest(first.reference, platform);
    if (digest === undefined) {
      const isMissing = PLATFORMS.every((one) => world.digest(first.reference, one) === undefined);
      return isMissing && isGone(world, there) ? removed(there, FIRST_ABSENT_MS) : there;
    }
    const keep = longest(agreeing.map((claim) => claim.keep));
    return {
      publicName,
      platform,
      digest,
      keep,
      unwantedSinceMs: undefined,
      askedBy: there?.askedBy ?? [WISHLIST],
      isConfirmed: false,
    };
  }
  if (there === undefined || !isOurs(there) || isDoubtful(world, publicName)) return there;
  // A pattern that lists the tag has said for which platforms.
  const isListed = agreeing.some(({ wish }) => isPattern(wish));
  if (isListed || !isMatched(world, publicName)) return removed(there, there.unwantedSinceMs ?? NOW_MS);
  return isGone(world, there) ? removed(there, FIRST_ABSENT_MS) : there;
}

/** What becomes of an image that nobody asks for since then. */
function removed(there: PublishedImage | undefined, sinceMs: number): PublishedImage | undefined {
  if (there === undefined) return undefined;
  const keep = there.keep ?? KEEP;
  const isDue = keep !== 'forever' && NOW_MS - sinceMs >= keep.days * DAY_MS;
  return isDue ? undefined : { ...there, unwantedSinceMs: sinceMs };
}

function isGone(world: World, there: PublishedImage | undefined): boolean {
  return there !== undefined && isOurs(there) && world.gone(there.publicName) === 'twice';
}

function isOurs({ askedBy }: PublishedImage): boolean {
  return askedBy.length > 0 && askedBy.every((source) => source === WISHLIST);
}

/** Whether a pattern would mean it, if its registry listed it. */
function isMatched(world: World, name: string): boolean {
  return lines(world).some(({ recipe, wish }) => {
    const pattern = wish.reference.tag ?? '';
    if (!isPattern(wish) || knownTags(world, recipe, wish) === undefined) return false;
    const image = `${prefixOf(recipe)}${imageOf(wish)}`;
    return TAGS.some((tag) => matches(pattern, tag) && name === `${image}:${tag}`);
  });
}

function isPattern({ reference }: Wish): boolean {
  return reference.tag?.includes('*') === true;
}

/** A line that means an image of that public name in {@link REPOSITORY}, whoever takes precedence. */
interface Claim {
  readonly recipe: Recipe;
  readonly wish: Wish;
  readonly name: string;
  readonly image: string;
  readonly scheme: string;
  readonly reference: Wish['reference'];
  readonly platforms: readonly Platform[];
  readonly keep: Keep | undefined;
}

/** In their precedence. */
function claims(world: World): Claim[] {
  const all = lines(world).flatMap(({ recipe, wish }): Claim[] => {
    const { platforms, keep } = wish.settings;
    const image = imageOf(wish);
    return (knownTags(world, recipe, wish) ?? []).map((tag) => ({
      recipe,
      wish,
      image,
      scheme: wish.reference.scheme,
      name: `${prefixOf(recipe)}${image}:${tag}`,
      reference: { ...wish.reference, tag },
      platforms: platforms ?? recipe.defaults.platforms ?? [LINUX_AMD64],
      keep: keep ?? recipe.defaults.keep,
    }));
  });
  return all.toSorted((one, other) => Number(one.scheme === 'http') - Number(other.scheme === 'http'));
}

/** The lines that count in {@link REPOSITORY}. */
function lines({ recipes }: World): { recipe: Recipe; wish: Wish }[] {
  return recipes.flatMap((recipe) =>
    recipe.wishes
      .filter(({ repositories }) => (repositories ?? recipe.repositories).includes(REPOSITORY))
      .map((wish) => ({ recipe, wish })),
  );
}

/** `undefined` where the registry does not tell, or the pattern is too wide. */
function knownTags({ tags }: World, recipe: Recipe, wish: Wish): readonly string[] | undefined {
  const pattern = wish.reference.tag ?? '';
  if (!pattern.includes('*')) return [pattern];
  const found = tags(wish.reference)?.filter((tag) => matches(pattern, tag));
  const limit = wish.settings.limit ?? recipe.defaults.limit ?? 99;
  return found === undefined || found.length > limit ? undefined : found;
}

function isDoubtful(world: World, name: string): boolean {
  if (world.uncertainties.length > 0) return true;
  const isOfLines = lines(world).some(({ recipe, wish }) => {
    const image = `${prefixOf(recipe)}${imageOf(wish)}`;
    const pattern = wish.reference.tag ?? '';
    if (isRefused(world, recipe, wish)) return TAGS.some((tag) => name === `${image}:${tag}`);
    if (knownTags(world, recipe, wish) !== undefined) return false;
    return TAGS.some((tag) => matches(pattern, tag) && name === `${image}:${tag}`);
  });
  return isOfLines || world.recipes.some((recipe) => isDoubtfulByMistake(recipe, name));
}

/** Whether another line came first for one of the names of `wish`. */
function isRefused(world: World, recipe: Recipe, wish: Wish): boolean {
  const all = claims(world);
  return all.some((claim) => {
    if (claim.wish !== wish || claim.recipe !== recipe) return false;
    const first = all.find(({ name }) => name === claim.name);
    return first !== undefined && (first.image !== claim.image || first.scheme !== claim.scheme);
  });
}

function isDoubtfulByMistake({ repositories, problems }: Recipe, name: string): boolean {
  if (!repositories.includes(REPOSITORY)) return false;
  return problems.some(({ severity, text }) => {
    if (severity === 'warning') return false;
    if (!text.endsWith(':!')) return true;
    const image = text.slice(0, -2);
    return TAGS.some((tag) => name === `${image}:${tag}` || name.endsWith(`/${image}:${tag}`));
  });
}

function matches(pattern: string, tag: string): boolean {
  return pattern.endsWith('*') ? tag.startsWith(pattern.slice(0, -1)) : tag === pattern;
}

function longest(all: readonly (Keep | undefined)[]): Keep | undefined {
  if (all.includes('forever')) return 'forever';
  const days = all.flatMap((keep) => (keep === undefined || keep === 'forever' ? [] : [keep.days]));
  return days.length === 0 ? undefined : { days: Math.max(...days) };
}

function prefixOf({ defaults: { subdirectory } }: Recipe): string {
  return subdirectory === undefined ? '' : `${subdirectory}/`;
}

function imageOf({ reference: { registry, repository } }: Wish): string {
  return `${registry}/${repository}`;
}

function stateOf(published: readonly PublishedImage[]): State {
  return new Map(published.map((one) => [keyOf(one.publicName, one.platform), one]));
}

function keyOf(publicName: string, platform: Platform): string {
  return `${publicName} ${formatPlatform(platform)}`;
}

function sorted(state: State): [string, PublishedImage][] {
  return [...state].toSorted(([one], [other]) => (one < other ? -1 : 1));
}
