import { fileURLToPath } from 'node:url';

/** What a process can be doing about an image when it dies. */
export const STAGES = ['looking', 'fetching', 'listing', 'composing', 'publishing'] as const;
export type Stage = (typeof STAGES)[number];

/** How it dies: of SIGKILL, of the memory that it takes, or of an error that is thrown where nobody can catch it. */
export type Death = 'SIGKILL' | 'memory' | 'callback';

/**
 * The environment in which a process of unpackd dies when it comes to `stage` with an image whose repository has `name` in
 * its name, or a file of that name in its layers. Nothing in the product knows of that: {@link ./die-of.ts} is loaded before.
 */
export function dyingOf(
  name: string,
  stage: Stage,
  death: Death = 'SIGKILL',
): Readonly<Record<string, string>> {
  const module = fileURLToPath(new URL('./die-of.js', import.meta.url));
  return {
    NODE_OPTIONS: `--import ${module} --max-old-space-size=200`,
    TEST_DIE_OF: name,
    TEST_DIE_AT: stage,
    TEST_DIE_BY: death,
  };
}
