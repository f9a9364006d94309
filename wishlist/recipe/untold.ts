import { counted } from '../../core/text.ts';
import type { Problem } from './problem.ts';

/** Problems that are too many to be told, or kept. */
export class Untold {
  #first: Problem | undefined;
  #problems = 0;
  #errors = 0;

  add(problem: Problem): void {
    if (this.#first === undefined || problem.line < this.#first.line) this.#first = problem;
    this.#problems += 1;
    if (problem.severity === 'error') this.#errors += 1;
  }

  /** What is told in their place; `undefined` where there are none. */
  summary(): Problem | undefined {
    if (this.#first === undefined) return undefined;
    return {
      severity: this.#errors > 0 ? 'error' : 'warning',
      code: 'problems-omitted',
      line: this.#first.line,
      column: undefined,
      text: 'recipe',
      message: `from here on there are ${counted(this.#problems, 'more problem')}, ${counted(this.#errors, 'error')} among them`,
      hint: 'correct those that are told first',
    };
  }
}
