import { groupBy } from '../../core/group-by.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { Presence } from '../../publisher/registry/tag-presence.ts';
import type { TagQuestion } from '../../wishlist/meaning/plan.ts';
import { tagListKey } from '../../wishlist/meaning/tag-lists.ts';

export type PresenceOf = (
  reference: ImageReference,
  tags: readonly string[],
) => Promise<ReadonlyMap<string, Presence>>;

/** For all questions of a repository in one cycle. */
const LONGEST_MS = 5 * 60_000;

/** Asks registries about single tags. */
export class TagQuestions {
  readonly #presenceOf: PresenceOf;
  readonly #longestMs: number;
  /** Counts rounds: each begins elsewhere, so that nobody's registry keeps others from being asked for ever. */
  #round = 0;

  constructor(presenceOf: PresenceOf, longestMs = LONGEST_MS) {
    this.#presenceOf = presenceOf;
    this.#longestMs = longestMs;
  }

  /** @returns by public name; nothing where there was no time to ask. @throws Failure `interrupted` */
  async ask(questions: readonly TagQuestion[]): Promise<ReadonlyMap<string, Presence>> {
    const answers = new Map<string, Presence>();
    const untilMs = performance.now() + this.#longestMs;
    const groups = [...groupBy(questions, ({ reference }) => tagListKey(reference)).values()];
    const first = groups.length === 0 ? 0 : this.#round++ % groups.length;
    for (const group of [...groups.slice(first), ...groups.slice(0, first)]) {
      if (performance.now() > untilMs) break;
      for (const [name, presence] of await this.#askOne(group)) answers.set(name, presence);
    }
    return answers;
  }

  /** Asks about tags of one repository. */
  async #askOne(questions: readonly TagQuestion[]): Promise<Map<string, Presence>> {
    const [first] = questions;
    if (first === undefined) return new Map();
    const tags = new Set(questions.flatMap(({ reference: { tag } }) => tag ?? []));
    const found = await this.#presenceOf(first.reference, [...tags]);
    return new Map(
      questions.map(({ publicName, reference: { tag = '' } }) => [publicName, found.get(tag) ?? 'unsure']),
    );
  }
}
