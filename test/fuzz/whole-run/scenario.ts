import { REPOSITORY } from '../../support/e2e/site.ts';
import type { BackendKind } from '../../support/e2e/site.ts';
import { randomOf } from '../../publisher/tree/random-stacks.ts';
import { amount, oneIn, pick, seedOf } from './choices.ts';
import type { Guest } from './guest.ts';

/** What a run is made of besides its guests. */
export interface Scenario {
  readonly seed: number;
  /** Numbers of the guests; each is the same whoever else is there. */
  readonly guests: readonly number[];
  readonly backend: BackendKind;
  readonly command: 'convert' | 'daemon';
  /** Options of the command line. */
  readonly words: readonly string[];
  /** How many items of the recipe stand before the good one, at most. */
  readonly goodAt: number;
  /** Whether it is done again, in the opposite order and without what takes long. */
  readonly again: boolean;
}

const MOST_GUESTS = 10;

/** The run of `seed`; with `guests`, only these of them are there. */
export function scenarioOf(seed: number, guests?: readonly number[]): Scenario {
  const random = randomOf(seedOf(seed, 0));
  const count = amount(random, MOST_GUESTS);
  const command = oneIn(random, 4) ? 'daemon' : 'convert';
  return {
    seed,
    guests: guests ?? Array.from({ length: count }, (_, index) => index),
    backend: oneIn(random, 4) ? 'cvmfs' : 'directory',
    command,
    words: [...FORMS, ...OPTIONS].flatMap((words) => (oneIn(random, 4) ? [pick(random, words)] : [])),
    goodAt: random(MOST_GUESTS + 1),
    again: command === 'convert' && oneIn(random, 3),
  };
}

/** Options that decide what is made of the good image. */
const FORMS = [['--no-chains'], ['--skip-podman'], ['--skip-layers']] as const;

const OPTIONS = [
  ['--foreign-layers=skip', '--foreign-layers=fetch'],
  ['--on-loss=refuse'],
  ['--downloads=1', '--downloads=16'],
  ['--registry-requests=1', '--registry-requests=2'],
  ['--batch-images=1', '--batch-images=2'],
  ['--batch-size=1MiB'],
  ['--spool-size=64MiB'],
  ['--overwrite-layers'],
] as const;

/** Those of `words` that decide what is made of the good image. */
export function formsOf({ words, backend }: Scenario): readonly string[] {
  const all: ReadonlySet<string> = new Set(FORMS.flat());
  return [`--backend=${backend}`, ...words.filter((word) => all.has(word))];
}

/** A recipe of version 2 with all that `guests` ask for, and `good` among it where it is given. */
export function recipeOf(
  guests: readonly Guest[],
  { good, goodAt = 0 }: { good?: string; goodAt?: number } = {},
): string {
  const items = guests.flatMap((guest) => guest.items);
  const all = good === undefined ? items : items.toSpliced(goodAt, 0, [`- '${good}'`]);
  const lines = all.flat().map((line) => `  ${line}`);
  const input = lines.length === 0 ? ['input: []'] : ['input:', ...lines];
  return ['version: 2', `cvmfs_repo: '${REPOSITORY}'`, ...input, ''].join('\n');
}
