import type { Recipe } from '../../../wishlist/recipe/recipe.ts';
import { ANYTHING, type Uncertainty } from '../../../wishlist/meaning/uncertainty.ts';
import type { PublishedImage } from '../../../wishlist/meaning/plan.ts';
import { LINUX_AMD64, type Platform } from '../../../core/oci/platform.ts';
import type { Problem } from '../../../wishlist/recipe/problem.ts';
import { formatReference, parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import { NO_SETTINGS, type Keep, type WishSettings } from '../../../wishlist/recipe/settings.ts';
import { wishOf, type Wish } from '../../../wishlist/recipe/wish.ts';
import { WISHLIST } from '../../support/all-read.ts';
import { pseudoRandom } from '../../support/e2e/pseudo-random.ts';

/** Names are few, so that they meet: `b.io` is a registry, a subdirectory, and the beginning of a repository's path. */
const REGISTRIES = ['a.io', 'b.io'];
const PATHS = ['p', 'q', 'b.io/p'];
export const TAGS = ['1', '10', '2'];
const SUBDIRECTORIES = [undefined, 's', 'a.io'];
const ARM64: Platform = { os: 'linux', architecture: 'arm64' };
export const PLATFORMS = [LINUX_AMD64, ARM64];
const REPOSITORIES = ['x', 'y'];
const IMAGES = REGISTRIES.flatMap((registry) => PATHS.map((path) => `${registry}/${path}`));
const DAY_MS = 86_400_000;
export const NOW_MS = 100 * DAY_MS;

/** Everything that a plan depends on, made from a seed. */
export interface World {
  readonly recipes: readonly Recipe[];
  /** Of sources that cannot be read. */
  readonly uncertainties: readonly Uncertainty[];
  /** `undefined` where the registry does not tell. */
  readonly tags: (reference: ImageReference) => readonly string[] | undefined;
  /** `undefined` where the registry does not tell, or has none for the platform. */
  readonly digest: (reference: ImageReference, platform: Platform) => string | undefined;
  /** Whether the registry says for sure that it has no such tag, and whether it said so before. */
  readonly gone: (publicName: string) => 'twice' | 'once' | undefined;
  /** What is published in the repository `x`. */
  readonly published: readonly PublishedImage[];
}

export function randomWorld(seed: number): World {
  return new WorldMaker(pseudoRandom(seed)).world();
}

class WorldMaker {
  readonly #random: () => number;
  readonly #answers = new Map<string, unknown>();

  constructor(random: () => number) {
    this.#random = random;
  }

  world(): World {
    return {
      recipes: this.#some(3, (index) => this.#recipe(index)),
      uncertainties: this.#happens(0.05) ? [ANYTHING] : [],
      tags: ({ scheme, registry, repository }) =>
        this.#answer(`${scheme} ${registry}/${repository}`, () =>
          this.#happens(0.15) ? undefined : TAGS.filter(() => this.#happens(0.7)),
        ),
      digest: (reference, { architecture }) =>
        this.#answer(`${reference.scheme} ${formatReference(reference)} ${architecture}`, () =>
          this.#happens(0.2) ? undefined : this.#one(['sha256:one', 'sha256:two']),
        ),
      gone: (publicName) =>
        this.#answer(`gone ${publicName}`, () => this.#one([undefined, 'once', 'twice'] as const)),
      published: SUBDIRECTORIES.flatMap((subdirectory) =>
        IMAGES.flatMap((image) =>
          TAGS.map((tag) => `${subdirectory === undefined ? '' : `${subdirectory}/`}${image}:${tag}`),
        ),
      )
        .filter((name, index, names) => names.indexOf(name) === index)
        .flatMap((name) => PLATFORMS.flatMap((platform) => this.#published(name, platform))),
    };
  }

  #published(publicName: string, platform: Platform): PublishedImage[] {
    if (this.#happens(0.6)) return [];
    const digest = this.#one(['sha256:one', 'sha256:two']);
    const unwantedSinceMs = this.#happens(0.6) ? undefined : NOW_MS - this.#below(4) * DAY_MS;
    return [
      {
        publicName,
        platform,
        digest,
        keep: this.#keep(),
        unwantedSinceMs,
        askedBy: this.#askers(),
        isConfirmed: false,
      },
    ];
  }

  /** Sometimes nobody, sometimes a source that cannot be read. */
  #askers(): string[] {
    return this.#one([[WISHLIST], [WISHLIST], [WISHLIST], [], ['down'], [WISHLIST, 'down']]);
  }

  #recipe(index: number): Recipe {
    const repositories = this.#subset(REPOSITORIES);
    const subdirectory = this.#one(SUBDIRECTORIES);
    const defaults = { ...this.#settings(), subdirectory };
    const problems = this.#happens(0.25) ? [this.#problem()] : [];
    const wishes = this.#some(4, (line) => this.#wish(line, repositories));
    return { file: `recipe-${index}`, repositories, defaults, problems, wishes };
  }

  #wish(line: number, repositories: readonly string[]): Wish {
    const scheme = this.#happens(0.2) ? 'http://' : '';
    const text = `${scheme}${this.#one(IMAGES)}:${this.#one([...TAGS, '*', '*', '1*'])}`;
    const wish = wishOf({ text, reference: parseReference(text) }, line, this.#settings());
    return this.#happens(0.8) ? wish : { ...wish, repositories: this.#subset(repositories) };
  }

  #settings(): WishSettings {
    return {
      ...NO_SETTINGS,
      platforms: this.#one([undefined, undefined, [LINUX_AMD64], [ARM64], PLATFORMS]),
      keep: this.#keep(),
      limit: this.#happens(0.15) ? 1 : undefined,
    };
  }

  #keep(): Keep | undefined {
    return this.#one([undefined, undefined, 'forever', { days: 1 }, { days: 3 }] as const);
  }

  #problem(): Problem {
    const [code, text] = this.#one([
      ['reference-invalid', `${this.#one(IMAGES)}:!`],
      ['reference-invalid', `${this.#one(IMAGES)}:!`],
      ['reference-invalid', `${this.#one(IMAGES)}:1 ${this.#one(IMAGES)}:1`],
      ['reference-invalid', this.#one(IMAGES)],
      ['platform-invalid', `${this.#one(IMAGES)}:1`],
      ['key-unknown', 'x'],
    ] as const);
    const severity = code === 'key-unknown' ? 'warning' : 'error';
    return { severity, code, text, line: 9, column: undefined, message: 'wrong', hint: undefined };
  }

  /** The same answer to the same question. */
  #answer<T>(question: string, make: () => T): T {
    if (!this.#answers.has(question)) this.#answers.set(question, make());
    return this.#answers.get(question) as T;
  }

  #some<T>(most: number, make: (index: number) => T): T[] {
    return Array.from({ length: this.#below(most + 1) }, (_, index) => make(index));
  }

  /** At least one. */
  #subset(all: readonly string[]): string[] {
    const chosen = all.filter(() => this.#happens(0.6));
    return chosen.length === 0 ? [this.#one(all)] : chosen;
  }

  #one<T>(all: readonly T[]): T {
    return all[this.#below(all.length)] as T;
  }

  #happens(chance: number): boolean {
    return this.#random() < chance;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
