import { existsSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../../e2e/hostile/hostile-case.ts';
import { hostOf } from '../../e2e/hostile/host.ts';
import { killAll } from '../../support/e2e/processes.ts';
import { Site } from '../../support/e2e/site.ts';
import { start, type Running } from '../../support/e2e/unpackd.ts';
import { remove, temporaryDirectory } from '../../support/setup.ts';
import { differences } from '../../support/trees/snapshot.ts';
import { BEATS, longestSilence } from './beats-file.ts';
import type { Observation } from './checks.ts';
import type { Guest } from './guest.ts';
import { LIMITS } from './limits.ts';
import { recipeOf, type Scenario } from './scenario.ts';
import { treesIn, unequalTrees } from './trees.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** How long a daemon has nothing to say when it has nothing to do. */
const QUIET_MS = 3_000;
const MOST_QUIET_MS = 60_000;

/** The good image alone, published: what it must be beside guests. */
export interface Reference {
  readonly published: string;
  /** The public name, and what a recipe says. */
  readonly name: string;
  readonly wish: string;
}

export interface Scene {
  readonly scenario: Scenario;
  readonly guests: readonly Guest[];
  readonly reference: Reference;
  readonly target: Target;
}

/** Runs the whole program once, or twice, and looks at all that it has left. */
export async function runScenario(scene: Scene): Promise<Observation> {
  const { scenario, reference, target } = scene;
  const site = await Site.make(scenario.backend);
  const top = site.fixture?.top ?? site.folder;
  const temporary = join(top, 'temporary');
  try {
    for (const folder of [site.root, temporary]) mkdirSync(folder, { recursive: true });
    const words = scenario.command === 'daemon' ? daemonWords(scene, site) : convertWords(scene, site);
    const before = await hostOf(site, target);
    const seen = await observe(words, {
      temporary,
      isDone: () => existsSync(site.path(reference.name)),
      scenario,
    });
    const outside = differences(await hostOf(site, target), before);
    const good = await goodDifferences(site, reference);
    const unequal = scenario.again ? await inOtherOrder(scene, site) : [];
    return { ...seen, outside, good, unequal };
  } finally {
    await site.close();
    for (const folder of [site.folder, top]) remove(folder);
  }
}

function convertWords({ scenario, guests, reference }: Scene, site: Site): string[] {
  const recipe = join(site.folder, 'recipe-1.yaml');
  writeFileSync(recipe, recipeOf(guests, { good: reference.wish, goodAt: scenario.goodAt }));
  return ['convert', recipe, ...site.options, ...scenario.words];
}

/** The good one and the guests have a recipe each. */
function daemonWords({ scenario, guests, reference }: Scene, site: Site): string[] {
  const recipes = [recipeOf(guests), recipeOf([], { good: reference.wish })].map((text, index) => {
    const path = join(site.folder, `recipe-${index}.yaml`);
    writeFileSync(path, text);
    return `- file: ${path}`;
  });
  return ['daemon', '--config', site.configuration(recipes), ...site.options, ...scenario.words];
}

interface Watch {
  readonly temporary: string;
  /** Whether a daemon has published the good image. */
  readonly isDone: () => boolean;
  readonly scenario: Scenario;
}

type Seen = Pick<Observation, 'status' | 'stdout' | 'stderr' | 'peakBytes' | 'silenceMs'>;

async function observe(words: readonly string[], { temporary, isDone, scenario }: Watch): Promise<Seen> {
  const beats = join(await temporaryDirectory('beats'), 'beats');
  const running = start(words, {
    uncovered: true,
    environment: { FUZZ_BEATS: beats, TMPDIR: temporary },
    nodeOptions: [`--import=${BEATS}`],
  });
  // It is in a process group of its own, so that nobody else would end it.
  const stop = (): void => {
    killAll(running);
    process.exit(130);
  };
  for (const signal of SIGNALS) process.once(signal, stop);
  const over = new AbortController();
  const limit = sleep(LIMITS.runMs, undefined, { signal: over.signal }).then(
    () => killAll(running),
    () => undefined,
  );
  try {
    if (scenario.command === 'daemon') await stopWhenDone(running, isDone);
    const { status, stdout, stderr, peakBytes } = await running.ended();
    return { status, stdout, stderr, peakBytes, silenceMs: longestSilence(beats, Date.now()) };
  } finally {
    remove(dirname(beats));
    for (const signal of SIGNALS) process.off(signal, stop);
    over.abort();
    await limit;
  }
}

/** Waits until the good image is there, and then until the daemon has no more to say. */
async function stopWhenDone(running: Running, isDone: () => boolean): Promise<void> {
  let [told, since] = [-1, Date.now()];
  let doneSince: number | undefined;
  const hasEnded = (): boolean => running.child.exitCode !== null || running.child.signalCode !== null;
  while (!hasEnded()) {
    await sleep(50);
    if (isDone()) doneSince ??= Date.now();
    if (running.stderr.length !== told) [told, since] = [running.stderr.length, Date.now()];
    if (doneSince === undefined) continue;
    if (Date.now() - since > QUIET_MS || Date.now() - doneSince > MOST_QUIET_MS) break;
  }
  running.child.kill('SIGTERM');
}

async function goodDifferences(site: Site, { published, name }: Reference): Promise<string[]> {
  if (!existsSync(site.path(name))) return ['it is not published'];
  const [found, expected] = [readlinkSync(site.path(name)), readlinkSync(join(published, name))];
  if (found !== expected) return [`its name leads to ${found}, expected ${expected}`];
  return await unequalTrees([site.published, published], treesIn(published));
}

/** Everything but what takes long once more, the last first: what is there by then decides nothing. */
async function inOtherOrder({ scenario, guests, reference, target }: Scene, site: Site): Promise<string[]> {
  const other = await Site.make('directory');
  try {
    const quick = guests.filter(({ isGreedy }) => !isGreedy).toReversed();
    const turned = quick.map((guest) => ({ ...guest, items: guest.items.toReversed() }));
    const temporary = join(other.folder, 'temporary');
    mkdirSync(temporary);
    const scene = { scenario: { ...scenario, goodAt: guests.length }, guests: turned, reference, target };
    await observe(convertWords(scene, other), { temporary, isDone: () => true, scenario });
    return await unequalTrees([site.published, other.published]);
  } finally {
    await other.close();
    remove(other.folder);
  }
}
