import { isDeepStrictEqual } from 'node:util';

/** @throws Error where `condition` does not hold; `rule` is what should. */
export function expect(condition: boolean, rule: string): void {
  if (!condition) throw new Error(rule);
}

/** @throws Error where the two differ; `what` says what they are. */
export function expectEqual<T>(actual: T, expected: T, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}
