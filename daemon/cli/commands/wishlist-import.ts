import { Failure, withHint } from '../../../core/failure.ts';
import { convertImageList } from '../../../wishlist/recipe/image-list.ts';
import { position, type Problem } from '../../../wishlist/recipe/problem.ts';
import { readTextFile } from '../../../wishlist/recipe/text-file.ts';
import type { Command } from '../command.ts';
import { assertRepositoryName } from '../../configuration/repository-argument.ts';

export const wishlistImportCommand: Command = {
  name: 'wishlist import',
  summary: 'Print a list of images, one a line, as a recipe',
  arguments: [
    {
      name: 'FILE',
      description: 'a list as the OSG keeps one: # begins a comment, no registry is Docker Hub',
    },
    { name: 'REPOSITORY', description: 'where to publish the images, such as unpacked.example.org' },
  ],
  examples: [
    {
      line: 'unpackd wishlist import images.txt unpacked.example.org >recipe.yaml',
      meaning: 'lines that are no images are reported, and become comments',
    },
  ],
  options: ['json'],
  run: async ({ arguments: [file = '', repository = ''], observe, output }) => {
    assertRepositoryName(repository);
    const { recipe, images, problems } = convertImageList(await readTextFile(file), repository);
    for (const problem of problems) {
      const message = `${position(file, problem)} ${problem.message}`;
      const { severity, hint } = problem;
      if (severity === 'warning') observe({ type: 'warning', message: withHint({ message, hint }) });
      else output.failure(failureOf(problem, message));
    }
    // texts of a document are shown in one line each
    output.print(recipe, { recipe: recipe.trimEnd().split('\n'), images, problems });
    return problems.some(({ severity }) => severity === 'error') ? 1 : 0;
  },
};

function failureOf({ hint }: Problem, message: string): Failure {
  return new Failure('reference-invalid', message, hint === undefined ? {} : { hint });
}
