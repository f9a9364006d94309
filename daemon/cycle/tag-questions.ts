import { mapLimited } from '../../core/concurrency.ts';
import { groupBy } from '../../core/group-by.ts';
import { counted, quoted } from '../../core/text.ts';
import type { RegistryClient } from '../../publisher/registry/client.ts';
import type { Presence } from '../../publisher/registry/tag-presence.ts';
import type { Absence } from '../../wishlist/meaning/absence.ts';
import type { TagQuestion } from '../../wishlist/meaning/plan.ts';
import { tagListKey } from '../../wishlist/meaning/tag-lists.ts';

/** What decides whose turn it is. */
export interface Turn {
  /** What is remembered of tags, by public name: those go first. */
  readonly absences: ReadonlyMap<string, Absence>;
  readonly nowMs: number;
}

/**
 * Tags of one registry in one cycle. More than are removed at a time by default: where a registry has lost all of its tags,
 * so many are found gone together that their removal is held.
 */
const TAGS_OF_ONE = 100;
/** Of one registry. */
const REPOSITORIES_AT_A_TIME = 4;
const MINUTE_MS = 60_000;
/** Prime, so that each turn begins elsewhere. */
const STRIDE = 7919;

/** Asks registries for single tags, so many at most in one cycle; the rest has its turn in later ones. */
export class TagQuestions {
  readonly #presenceOf: RegistryClient['presenceOf'];
  readonly #warn: (message: string) => void;
  /** By address, in this cycle. */
  readonly #answers = new Map<string, Presence>();
  /** By registry, the tags it was asked for in this cycle. */
  readonly #asked = new Map<string, number>();
  /** Repositories of registries whose list was cut. */
  readonly #warned = new Set<string>();

  constructor(presenceOf: RegistryClient['presenceOf'], warn: (message: string) => void) {
    this.#presenceOf = presenceOf;
    this.#warn = warn;
  }

  /** Call when a cycle begins. */
  begin(): void {
    this.#answers.clear();
    this.#asked.clear();
  }

  /** @returns by public name; nothing of tags whose turn comes later. @throws Failure `interrupted` */
  async ask(questions: readonly TagQuestion[], turn: Turn): Promise<ReadonlyMap<string, Presence>> {
    const once = [...new Map(questions.map((question) => [question.publicName, question])).values()];
    const byRegistry = groupBy(inTurn(once, turn), ({ reference }) => reference.registry);
    await Promise.all(
      Array.from(byRegistry, async ([registry, ofOne]) => await this.#askRegistry(registry, ofOne)),
    );
    this.#warnOfCutLists(once.filter(({ isUnlisted }) => isUnlisted));
    const answers = new Map<string, Presence>();
    for (const one of once) {
      const answer = this.#answerTo(one);
      if (answer !== undefined) answers.set(one.publicName, answer);
    }
    return answers;
  }

  async #askRegistry(registry: string, questions: readonly TagQuestion[]): Promise<void> {
    const asked = this.#asked.get(registry) ?? 0;
    const open = questions.filter((one) => this.#answerTo(one) === undefined);
    const now = open.slice(0, Math.max(0, TAGS_OF_ONE - asked));
    this.#asked.set(registry, asked + now.length);
    const byRepository = groupBy(now, ({ reference }) => tagListKey(reference));
    await mapLimited(byRepository.values(), REPOSITORIES_AT_A_TIME, async (ofOne) => {
      const [first] = ofOne;
      if (first === undefined) return;
      const { reference } = first;
      const tags = new Set(ofOne.map((one) => one.reference.tag).filter((tag) => tag !== undefined));
      for (const [tag, presence] of await this.#presenceOf(reference, [...tags]))
        this.#answers.set(addressOf({ ...reference, tag }), presence);
    });
  }

  #answerTo({ reference }: TagQuestion): Presence | undefined {
    return this.#answers.get(addressOf(reference));
  }

  /** Once for each list. @param questions for tags that it should have */
  #warnOfCutLists(questions: readonly TagQuestion[]): void {
    const missed = questions.filter((one) => this.#answerTo(one) === 'there');
    for (const [key, [first, ...others]] of groupBy(missed, ({ reference }) => tagListKey(reference))) {
      if (first === undefined || this.#warned.has(key)) continue;
      this.#warned.add(key);
      const { registry, repository, tag = '' } = first.reference;
      const more = others.length === 0 ? '' : ` and ${counted(others.length, 'other tag')}`;
      this.#warn(
        `the tag list of ${registry}/${repository} lacks ${quoted(tag)}${more}, which the registry has: the list is cut short, and nothing is removed for it`,
      );
    }
  }
}

/** Tags whose absence is remembered, the longest first, then the others, each time from another one on. */
function inTurn(questions: readonly TagQuestion[], { absences, nowMs }: Turn): TagQuestion[] {
  const firstMs = ({ publicName }: TagQuestion): number => absences.get(publicName)?.firstMs ?? 0;
  const known = questions.filter(({ publicName }) => absences.has(publicName));
  const others = questions.filter(({ publicName }) => !absences.has(publicName));
  const start = (Math.floor(nowMs / MINUTE_MS) * STRIDE) % Math.max(1, others.length);
  known.sort((one, other) => firstMs(one) - firstMs(other));
  return [...known, ...others.slice(start), ...others.slice(0, start)];
}

function addressOf(reference: TagQuestion['reference']): string {
  return `${tagListKey(reference)}:${reference.tag ?? ''}`;
}
