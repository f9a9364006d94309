import { withHint } from '../../core/failure.ts';
import { counted, printable } from '../../core/text.ts';

/** Problems in a recipe that is otherwise usable. Closed; tests assert these codes. */
export type ProblemCode =
  | 'reference-invalid' // an item of `input` that is not a valid image reference: that image fails
  | 'platform-invalid' // an entry of `platforms` that is not a valid platform: that of a wish makes the image fail
  | 'platform-repeated' // an entry of `platforms` that means the same as an earlier one
  | 'setting-invalid' // a setting that cannot be used: that of a wish makes the image fail
  | 'setting-unused' // a setting that means nothing for its image
  | 'entry-repeated' // an entry of a list that stands in it already
  | 'wishes-too-many' // more items of `input` than allowed: those after are not read
  | 'problems-omitted' // more problems than are reported
  | 'wish-repeated' // an item that asks for the same image as an earlier one
  | 'key-unknown' // a key that recipes do not have
  | 'value-ignored' // a key whose value has the wrong type, and is not needed
  | 'registry-not-allowed' // a registry that is not allowed: it is not asked
  | 'repository-not-allowed' // a repository that the recipe's source may not publish in
  | 'subdirectory-not-allowed' // a subdirectory that is not the source's
  | 'http-not-allowed' // plain HTTP, which the source may not ask for
  | 'pattern-unmatched' // a tag pattern that no tag of the repository matches
  | 'tags-incomplete' // a tag pattern for which the registry's list may lack tags
  | 'artifacts-passed-over' // tags that a pattern matches and that are no container images
  | 'pattern-too-wide' // a tag pattern that matches more tags than allowed
  | 'pattern-too-costly' // patterns that take too long to compare with all tags of the repository
  | 'images-too-many' // a line with which its source means more images than it may
  | 'name-conflict' // another image has the public name that this one would get
  | 'tag-unusable'; // a tag in the registry's list that matches a pattern and cannot be published

/**
 * An error, a warning or a note about one line of a recipe; the other lines count.
 */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'note';
  readonly code: ProblemCode;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units; `undefined` for the line as a whole. */
  readonly column: number | undefined;
  /** The text there, with secrets masked; may hold control characters. */
  readonly text: string;
  /** With the offending value, without the position. */
  readonly message: string;
  readonly hint: string | undefined;
}

/** The parts of a problem of a whole line. */
export function aboutLine(
  { line, text }: Pick<Problem, 'line' | 'text'>,
  severity: Problem['severity'],
): Pick<Problem, 'severity' | 'line' | 'column' | 'text'> {
  return { severity, line, column: undefined, text };
}

/** `FILE:LINE:COLUMN: error: MESSAGE; HINT [CODE]`, as compilers write it and editors read it. */
export function formatProblem(
  file: string,
  problem: Pick<Problem, 'line' | 'column' | 'message' | 'hint'> & {
    readonly severity: string;
    readonly code: string;
  },
): string {
  return `${position(file, problem)} ${problem.severity}: ${withHint(problem)} [${problem.code}]`;
}

/** `FILE:LINE:COLUMN:`, where the column may be absent. */
export function position(file: string, place: { line: number; column: number | undefined }): string {
  const column = place.column === undefined ? '' : `${place.column}:`;
  return `${printable(file)}:${place.line}:${column}`;
}

/** Counts the problems beyond those that are kept and reported. */
export class OmittedProblems {
  #first: Problem | undefined;
  #problems = 0;
  #errors = 0;

  add(problem: Problem): void {
    if (this.#first === undefined || problem.line < this.#first.line) this.#first = problem;
    this.#problems += 1;
    if (problem.severity === 'error') this.#errors += 1;
  }

  /** A problem that stands for all of them; `undefined` where there are none. */
  summary(): Problem | undefined {
    if (this.#first === undefined) return undefined;
    return {
      severity: this.#errors > 0 ? 'error' : 'warning',
      code: 'problems-omitted',
      line: this.#first.line,
      column: undefined,
      text: 'recipe',
      message: `from here on there are ${counted(this.#problems, 'more problem')}, ${counted(this.#errors, 'error')} among them`,
      hint: 'correct the reported ones first',
    };
  }
}
