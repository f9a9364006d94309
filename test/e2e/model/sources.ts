import { Failure } from '../../../core/failure.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import type { SourceState } from '../../../wishlist/sources/source.ts';
import type { Wishlists } from '../../../daemon/cycle/cycle.ts';
import { REPOSITORY } from './machine.ts';

/** What somebody's wishlist has, and what is known of it. */
export interface ModelSource {
  readonly name: string;
  isUp: boolean;
  readonly lines: Set<string>;
  /** As it was read last; `undefined`: never. */
  known: ReadonlySet<string> | undefined;
}

/** Reads the wishlists as a daemon does: what was good stays in force where a source fails. */
export function readModelSources(sources: readonly ModelSource[], keepDays: number): Wishlists {
  const states = sources.map((source) => {
    if (source.isUp) source.known = new Set(source.lines);
    return stateOf(source, keepDays);
  });
  return { sources: states, recipes: states.flatMap(({ content }) => content?.recipes ?? []) };
}

function stateOf({ name, isUp, known }: ModelSource, keepDays: number): SourceState {
  const failure = isUp ? undefined : new Failure('source-unreachable', `${name} is down`);
  const content =
    known === undefined ? undefined : { recipes: [recipeOf(name, known, keepDays)], since: SINCE };
  return { name, content, fetchedAt: SINCE, failure, failingSince: isUp ? undefined : SINCE };
}

const SINCE = '2026-01-01T00:00:00.000Z';

function recipeOf(name: string, lines: ReadonlySet<string>, keepDays: number) {
  const input = [...lines].map((line) => `\n  - '${line}'`).join('');
  const head = `version: 2
repositories: ['${REPOSITORY}']
defaults: { keep: ${keepDays}d }`;
  const text = `${head}
input:${input === '' ? ' []' : input}
`;
  const recipe = parseRecipe(text, name);
  const origin = { source: name, file: name, commit: undefined };
  return { ...recipe, wishes: recipe.wishes.map((wish) => ({ ...wish, origin })) };
}
