import type { Recipe } from '../../../wishlist/recipe/recipe.ts';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import { ALL_READ, WISHLIST } from '../../support/all-read.ts';
import { Failure } from '../../../core/failure.ts';
import { planRepository, type PublishedImage } from '../../../wishlist/meaning/plan.ts';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { parseReference, type ImageReference, type TagList } from '../../../core/oci/reference.ts';
import { NO_SETTINGS } from '../../../wishlist/recipe/settings.ts';
import { wishOf } from '../../../wishlist/recipe/wish.ts';

/**
 * What `planning.ts` measures: ten recipes with 20,000 wishes, three of five of them patterns, for repositories with
 * 300,000 tags, all of which are wanted; nearly all of them are published. Registries answer from memory.
 */
const RECIPES = 10;
const REPOSITORIES = 4000;
const SMALL_REPOSITORY_TAGS = 50;
/** As many repositories as there are recipes have more tags than the others. */
const LARGE_REPOSITORY_TAGS = 10_050;
const LINES = ['*', 'v1.*', '*-slim', 'v1.0', 'v0.1-slim'];
const TARGET = 'bench.local';
const NOW_MS = Date.UTC(2030, 0, 1);

const DIGESTS = Array.from({ length: 256 }, (_, length) => `sha256:${length.toString(16).padStart(64, '0')}`);
// Made before the clock starts: only what unpackd does with them counts.
const [manyTags, fewTags] = [tags(LARGE_REPOSITORY_TAGS), tags(SMALL_REPOSITORY_TAGS)];
const wishlists = recipes();
const startedMs = performance.now();
const { images, failures, problems, uncertainties, patterns } = await expandRecipes(wishlists, listTags);
const plan = planRepository(TARGET, images, published(), {
  resolved: ({ publicName }) => [{ platform: { ...LINUX_AMD64 }, digest: digestOf(publicName) }],
  uncertainties,
  ...ALL_READ,
  patterns,
  keep: { days: 30 },
  nowMs: NOW_MS,
});
const seconds = (performance.now() - startedMs) / 1000;
const found = {
  seconds,
  images: images.length,
  failures: failures.length,
  problems: problems.length,
  ...Object.fromEntries(Object.entries(plan).map(([part, { length }]) => [part, length])),
};
process.stdout.write(`${JSON.stringify(found)}\n`);

function recipes(): Recipe[] {
  return Array.from({ length: RECIPES }, (_, recipe) => {
    const numbers = Array.from({ length: REPOSITORIES / RECIPES }, (__, index) => index * RECIPES + recipe);
    const texts = numbers.flatMap((number) => LINES.map((tag) => `${repositoryOf(number)}:${tag}`));
    return {
      file: `recipe-${recipe}.yaml`,
      repositories: [TARGET],
      defaults: { ...NO_SETTINGS, limit: LARGE_REPOSITORY_TAGS },
      wishes: texts.map((text, line) => wishOf({ text, reference: parseReference(text) }, line, NO_SETTINGS)),
      problems: [],
    };
  });
}

function repositoryOf(number: number): string {
  return `registry-${number % 7}.example.org/group-${number % 50}/image-${number}`;
}

/** The last repository's list cannot be had. */
async function listTags({ repository }: ImageReference): Promise<TagList> {
  const number = Number(repository.slice(repository.lastIndexOf('-') + 1));
  if (number === REPOSITORIES - 1) throw new Failure('rate-limited', 'too many requests');
  return await Promise.resolve({ tags: tagsOf(number), isWhole: true });
}

function tagsOf(number: number): string[] {
  return number < RECIPES ? manyTags : fewTags;
}

function tags(count: number): string[] {
  return Array.from(
    { length: count },
    (_, tag) => `v${tag % 10}.${Math.floor(tag / 10)}${tag % 3 === 0 ? '-slim' : ''}`,
  );
}

/** Of each hundred images one is not there yet, one is outdated, and one more is there that nobody wants. */
function* published(): Iterable<PublishedImage> {
  let counter = 0;
  for (let number = 0; number < REPOSITORIES; number++) {
    for (const tag of tagsOf(number)) {
      counter++;
      const name = [repositoryOf(number), tag].join(':');
      if (counter % 100 === 1) continue;
      yield publishedImage(name, digestOf(counter % 100 === 2 ? `${name} before` : name));
      if (counter % 100 === 3) yield publishedImage(name.replace('/group-', '/former-'), digestOf(name));
    }
  }
}

function publishedImage(publicName: string, digest: string): PublishedImage {
  return {
    publicName,
    platform: { ...LINUX_AMD64 },
    digest,
    keep: undefined,
    unwantedSinceMs: undefined,
    askedBy: [WISHLIST],
    isConfirmed: false,
  };
}

/** No digest of anything: hashing is not what is measured. */
function digestOf(text: string): string {
  return DIGESTS[text.length % DIGESTS.length] ?? '';
}
