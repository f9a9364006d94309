import type { ExitStatus } from '../../output/exit-status.ts';
import { isFailure, withHint } from '../../../core/failure.ts';
import { formatProblem } from '../../../wishlist/recipe/problem.ts';
import { readRecipe, type RecipeOptions } from '../../../wishlist/recipe/recipe.ts';
import { formatReference, isPattern, parseReference } from '../../../core/oci/reference.ts';
import type { Context } from '../../output/context.ts';
import { counted } from '../../../core/text.ts';
import { redactLine } from '../../configuration/secrets.ts';

interface Finding {
  readonly subject: string;
  readonly isFine: boolean;
  /** For people: lines without their ends. */
  readonly lines: readonly string[];
}

export async function checkSyntax({
  arguments: subjects,
  output,
  configuration,
}: Context): Promise<ExitStatus> {
  const findings: Finding[] = [];
  for (const subject of subjects) {
    const isRecipe = /\.ya?ml$/i.test(subject);
    findings.push(isRecipe ? await checkRecipe(subject, configuration) : checkImage(subject));
  }
  const lines = findings.flatMap((finding) => finding.lines);
  output.print(lines.map((line) => `${redactLine(line)}\n`).join(''), findings);
  return findings.every(({ isFine }) => isFine) ? 0 : 1;
}

async function checkRecipe(file: string, options: RecipeOptions): Promise<Finding> {
  const { repositories, wishes, problems } = await readRecipe(file, options);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const found = `${counted(errors, 'error')}, ${counted(problems.length - errors, 'warning')}`;
  const summary = `${file}: ${counted(wishes.length, 'wish', 'wishes')} for ${repositories.join(', ')}, ${found}`;
  return {
    subject: file,
    isFine: errors === 0,
    lines: [...problems.map((problem) => formatProblem(file, problem)), summary],
  };
}

function checkImage(image: string): Finding {
  try {
    const reference = parseReference(image);
    const kind = reference.tag !== undefined && isPattern(reference.tag) ? 'tag pattern' : 'image';
    return { subject: image, isFine: true, lines: [`${formatReference(reference)}: valid ${kind}`] };
  } catch (error) {
    if (!isFailure(error, 'reference-invalid')) throw error;
    return { subject: image, isFine: false, lines: [withHint(error)] };
  }
}
