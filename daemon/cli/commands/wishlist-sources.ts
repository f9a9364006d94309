import { withHint } from '../../../core/failure.ts';
import { localTime, counted } from '../../../core/text.ts';
import type { Recipe } from '../../../wishlist/recipe/recipe.ts';
import type { SourceContent, SourceState } from '../../../wishlist/sources/source.ts';
import type { Command } from '../command.ts';
import { redact } from '../../configuration/secrets.ts';
import { readConfiguredSources } from '../../configuration/sources/sources.ts';
import { takeState } from '../../cycle/publisher-pool.ts';

export const wishlistSourcesCommand: Command = {
  name: 'wishlist sources',
  summary: 'Ask the configured sources of wishlists, and show what is in force of each',
  arguments: [],
  examples: [
    { line: 'unpackd wishlist sources', meaning: 'a line for each source' },
    { line: 'unpackd wishlist sources --json', meaning: 'for scripts' },
  ],
  options: ['state', 'json'],
  run: async (context) => {
    await takeState(context.configuration, (message) => context.observe({ type: 'note', message }));
    const states = await readConfiguredSources(context);
    context.output.print(
      states.map((state) => `${redact(lineOf(state))}\n`).join(''),
      states.map(documentOf),
    );
    return states.every(({ failure }) => failure === undefined) ? 0 : 1;
  },
};

function lineOf({ name, content, failure, failingSince }: SourceState): string {
  const parts = [content === undefined ? 'nothing is known of it' : contentText(content)];
  if (failure !== undefined)
    parts.push(`failing since ${localTime(failingSince ?? '')}: ${withHint(failure)} [${failure.code}]`);
  return `${name}: ${parts.join('; ')}`;
}

function contentText({ recipes, commit, since }: SourceContent): string {
  const { wishes, errors, warnings } = countsOf(recipes);
  const origin =
    commit === undefined
      ? ''
      : `commit ${commit.hash.slice(0, 12)} of ${localTime(commit.date)} by ${commit.author}, `;
  const problems = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
  return `${origin}in force since ${localTime(since)}, ${counted(wishes, 'wish', 'wishes')}, ${problems}`;
}

function documentOf({ name, content, fetchedAt, failure, failingSince }: SourceState): unknown {
  return {
    name,
    content: content && {
      since: content.since,
      commit: content.commit,
      recipes: content.recipes.map(({ file, repositories }) => ({ file, repositories })),
      ...countsOf(content.recipes),
    },
    fetchedAt,
    failure: failure && { code: failure.code, message: failure.message, hint: failure.hint },
    failingSince,
  };
}

function countsOf(recipes: readonly Recipe[]): { wishes: number; errors: number; warnings: number } {
  const problems = recipes.flatMap((recipe) => recipe.problems);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const wishes = recipes.reduce((sum, recipe) => sum + recipe.wishes.length, 0);
  return { wishes, errors, warnings: problems.length - errors };
}
