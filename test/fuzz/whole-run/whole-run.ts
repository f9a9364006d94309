import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTarget } from '../../e2e/hostile/host.ts';
import type { Target } from '../../e2e/hostile/hostile-case.ts';
import { Site } from '../../support/e2e/site.ts';
import { run } from '../../support/e2e/unpackd.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { remove } from '../../support/setup.ts';
import { seedOf } from './choices.ts';
import { violationsOf, type Observation, type Violation } from './checks.ts';
import { GOOD, goodImage } from './good-image.ts';
import { makeGuest, type Guest } from './guest.ts';
import { runScenario, type Reference } from './run-scenario.ts';
import { formsOf, recipeOf, scenarioOf, type Scenario } from './scenario.ts';

/** What one run was, and what was wrong with it. */
export interface Result {
  readonly scenario: Scenario;
  readonly guests: readonly Guest[];
  readonly seen: Observation;
  readonly violations: readonly Violation[];
}

/** Makes runs of the whole program with a good image and random guests beside it. */
export class WholeRuns {
  readonly #good: FaultServer;
  readonly #target: Target;
  readonly #references = new Map<string, { readonly site: Site; readonly reference: Reference }>();

  private constructor(good: FaultServer, target: Target) {
    this.#good = good;
    this.#target = target;
  }

  static async start(): Promise<WholeRuns> {
    const server = await FaultServer.start();
    server.addImage(GOOD.repository, GOOD.tag, (await goodImage()).image);
    return new WholeRuns(server, await makeTarget());
  }

  /** The run of `seed`; with `guests`, only these of them are there. */
  async run(seed: number, kept?: readonly number[]): Promise<Result> {
    const scenario = scenarioOf(seed, kept);
    const server = await FaultServer.start();
    try {
      const { layers: goodLayers } = await goodImage();
      const guests: Guest[] = [];
      for (const number of scenario.guests) {
        const around = { server, target: this.#target, goodLayers };
        guests.push(await makeGuest(seedOf(seed, 1 + number), `g${number}`, around));
      }
      const reference = await this.#reference(scenario);
      const seen = await runScenario({ scenario, guests, reference, target: this.#target });
      return { scenario, guests, seen, violations: violationsOf(seen) };
    } finally {
      await server.close();
    }
  }

  async close(): Promise<void> {
    await this.#good.close();
    remove(this.#target.path);
    for (const { site } of this.#references.values()) {
      await site.close();
      remove(site.folder);
    }
  }

  /** The good image alone, in the forms that the run makes. */
  async #reference(scenario: Scenario): Promise<Reference> {
    const forms = formsOf(scenario);
    const key = forms.join(' ');
    const known = this.#references.get(key);
    if (known !== undefined) return known.reference;
    const site = await Site.make(scenario.backend);
    const name = `${this.#good.host}/${GOOD.repository}:${GOOD.tag}`;
    const wish = `http://${name}`;
    const recipe = join(site.folder, 'recipe-1.yaml');
    writeFileSync(recipe, recipeOf([], { good: wish }));
    const { status, stderr } = await run(['convert', recipe, ...site.options, ...forms], { uncovered: true });
    if (status !== 0) throw new Error(`the good image alone cannot be published: ${stderr}`);
    const reference = { published: site.published, name, wish };
    this.#references.set(key, { site, reference });
    return reference;
  }
}

/** A finding on disk: what leads to it again. */
interface Finding {
  readonly seed: number;
  readonly guests: readonly number[];
}

/** Writes what leads to a finding again, and beside it what it was. @returns its path */
export function keepFinding(folder: string, { scenario, guests, seen, violations }: Result): string {
  const { seed, guests: numbers } = scenario;
  const path = join(folder, `${violations[0]?.kind.replace(' ', '-') ?? 'none'}-${seed}.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify({ seed, guests: numbers } satisfies Finding)}\n`);
  const lines = [
    ...violations.map(({ kind, text }) => `${kind}: ${text}`),
    `${scenario.backend}, ${scenario.command} ${scenario.words.join(' ')}`,
    ...guests.map(({ what }, index) => `guest ${numbers[index]}: ${what}`),
    seen.stderr,
  ];
  writeFileSync(`${path}.txt`, lines.join('\n'));
  return path;
}

export function readFinding(path: string): Finding {
  return JSON.parse(readFileSync(path, 'utf8')) as Finding;
}
