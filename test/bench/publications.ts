import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/failure.ts';
import { serveImages } from '../support/images/read-only-registry.ts';
import type { ImageStore } from '../support/images/store.ts';
import { noted, type Aims } from './aims.ts';
import type { Contender, Job } from './contenders/contender.ts';
import { podman, umoci } from './contenders/containers.ts';
import { daemonContender } from './contenders/daemon.ts';
import { ducc } from './contenders/ducc.ts';
import { readyTar } from './contenders/ready-tar.ts';
import { unpackdContender } from './contenders/unpackd.ts';
import type { Measurement } from './measure.ts';
import { type Bench, type BenchBackend, type GivenImages, type Row, type Scenario } from './scenario.ts';
import { removeAll } from './remove-all.ts';

/** One publication of a scenario; the next one finds what it has published. */
export interface Step {
  readonly name: string;
  /** It only prepares the next one. */
  readonly isPreparation?: true;
  readonly aims?: Aims;
}

/** Images that the bench makes, and the names that each step publishes of them. */
export interface BuiltImages {
  readonly store: ImageStore;
  readonly steps: readonly (readonly string[])[];
}

export interface PublishingScenario {
  readonly name: string;
  readonly summary: string;
  readonly steps: readonly Step[];
  readonly build: (folder: string, scaled: Bench['scaled']) => Promise<BuiltImages>;
  /** Images of a registry in place of those, one list a step; `undefined`: none are given. */
  readonly given?: (images: GivenImages) => readonly (readonly string[])[] | undefined;
  /** unpackd runs as a daemon. */
  readonly inDaemon?: true;
  /** What a run has written goes before the next one: there is no room for all of them. */
  readonly isLarge?: true;
}

/** Publishes the same images with each program in turn, as often as the bench says. */
export function publishingScenario(scenario: PublishingScenario): Scenario {
  const { name, summary } = scenario;
  return { name, summary, run };

  async function run(bench: Bench): Promise<Row[]> {
    const folder = join(bench.folder, name);
    mkdirSync(folder);
    const { steps, close } = await imagesOf(scenario, bench, folder);
    const profile = bench.profile && join(bench.profile, name);
    const rows: Row[] = [];
    try {
      for (const backend of bench.backends) {
        const job = {
          bench,
          steps,
          folder: join(folder, backend),
          profile: profile && join(profile, backend),
        };
        mkdirSync(job.folder);
        rows.push(...(await compare(scenario, backend, job)));
      }
      return rows;
    } finally {
      await close();
      removeAll(folder);
    }
  }
}

async function imagesOf(
  { build, given }: PublishingScenario,
  bench: Bench,
  folder: string,
): Promise<Pick<Job, 'steps'> & { readonly close: () => Promise<void> }> {
  const urls = given?.(bench.given);
  if (urls !== undefined) return { steps: urls, close: async () => {} };
  const images = join(folder, 'images');
  mkdirSync(images);
  const { store, steps } = await build(images, bench.scaled);
  const registry = await serveImages(store);
  const withHost = steps.map((names) => names.map((name) => `http://${registry.host}/${name}`));
  return { steps: withHost, close: async () => await registry.close() };
}

function contendersFor({ inDaemon }: PublishingScenario, backend: BenchBackend): Contender[] {
  const ours = inDaemon === true ? daemonContender(backend) : unpackdContender(backend);
  return [ours, readyTar, podman, umoci, ducc].filter((one) => one.backend === backend);
}

async function compare(scenario: PublishingScenario, backend: BenchBackend, job: Job): Promise<Row[]> {
  const { bench } = job;
  const [ours, ...others] = contendersFor(scenario, backend);
  const runs = new Map<string, Row & { readonly runs: Measurement[] }>();
  const isAbsent = new Set<Contender>();
  for (const other of others) await attempt(other, async () => await other.prepare?.(job));
  for (let run = 0; run < bench.runs; run++) {
    const folder = join(job.folder, String(run));
    mkdirSync(folder);
    if (ours !== undefined) await publishAll(ours, folder);
    for (const other of others) await attempt(other, async () => await publishAll(other, folder));
    if (scenario.isLarge === true) removeAll(folder);
  }
  const rows = [...runs.values()];
  return scenario.steps.flatMap((step) => noted(rows, jobOf(backend, step), step.aims));

  /** A program that is not there, or fails, is left out: the others are compared all the same. */
  async function attempt(other: Contender, work: () => Promise<void>): Promise<void> {
    if (isAbsent.has(other)) return;
    const missing = other.missing() ?? (await failureOf(work));
    if (missing === undefined) return;
    isAbsent.add(other);
    bench.leaveOut(`${other.name} in ${scenario.name}, ${backend}`, missing);
  }

  async function publishAll(contender: Contender, folder: string): Promise<void> {
    const place = await contender.open(job, mkdtempSync(join(folder, '-')));
    try {
      for (const [index, step] of scenario.steps.entries()) {
        const measurement = await place.publish(job.steps[index] ?? [], index);
        if (step.isPreparation === true || measurement === undefined) continue;
        const row = { job: jobOf(backend, step), program: contender.name, runs: [] };
        const key = `${row.job} ${row.program}`;
        runs.set(key, runs.get(key) ?? row);
        runs.get(key)?.runs.push(measurement);
      }
    } finally {
      await place.close();
    }
  }
}

async function failureOf(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function jobOf(backend: BenchBackend, step: Step): string {
  return `${backend}: ${step.name}`;
}
