import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Gauge, Measurement, MeasuredRun } from '../measure.ts';
import type { BenchBackend } from '../scenario.ts';
import { CvmfsRepository, noReleaseManager } from './cvmfs-repository.ts';
import type { Contender, Place } from './contender.ts';

const PROGRAM = fileURLToPath(new URL('../../../daemon/cli/main.js', import.meta.url));
/** As the packages start Node. */
const FLAGS = ['--min-semi-space-size=4'];
const DIRECTORY_REPOSITORY = 'bench.local';

/** Runs of `unpackd convert`, each a process of its own. */
export function unpackdContender(backend: BenchBackend): Contender {
  return {
    name: 'unpackd',
    backend,
    missing: () => (backend === 'cvmfs' ? noReleaseManager() : undefined),
    open: async ({ bench: { gauge }, profile }, work) => {
      const target = await openTarget(backend, work);
      return { publish, close: target.close };

      async function publish(images: readonly string[]): Promise<Measurement> {
        return await convert(gauge, images, { work, target, profile });
      }
    },
  };
}

/** Where unpackd publishes, with the options that say so. */
export interface Target {
  readonly repository: string;
  readonly options: readonly string[];
  readonly close: Place['close'];
}

export async function openTarget(backend: BenchBackend, work: string): Promise<Target> {
  const state = ['--state', join(work, 'state')];
  if (backend === 'cvmfs') {
    const repository = await CvmfsRepository.make();
    const close = async (): Promise<void> => await repository.remove();
    return { repository: repository.name, options: ['--backend', backend, ...state], close };
  }
  const options = ['--backend', backend, '--root', join(work, 'root'), ...state];
  return { repository: DIRECTORY_REPOSITORY, options, close: async () => {} };
}

export interface Conversion {
  readonly work: string;
  readonly target: Target;
  readonly profile?: string | undefined;
  /** See {@link Gauge.environment}. */
  readonly environment?: Readonly<Record<string, string>>;
}

const resultSchema = z.object({ publications: z.number(), inputWaitMs: z.number().optional() });

export async function convert(
  gauge: Gauge,
  images: readonly string[],
  { work, target, profile, environment = {} }: Conversion,
): Promise<Measurement> {
  const recipe = writeRecipe(work, target.repository, images);
  const words = unpackd(['convert', recipe, ...target.options, '--json'], profile);
  const { measurement, stdout } = await gauge.run({ words, environment });
  const { publications, inputWaitMs } = resultSchema.parse(JSON.parse(stdout));
  return {
    ...measurement,
    // Only transactions of cvmfs_server are counted outside.
    transactions: Math.max(measurement.transactions, publications),
    ...(inputWaitMs !== undefined && { inputWaitSeconds: inputWaitMs / 1000 }),
  };
}

/** A recipe of `images` (with their scheme) in `folder`. */
export function writeRecipe(folder: string, repository: string, images: readonly string[]): string {
  const file = join(folder, `${repository}.yaml`);
  const input = images.map((image) => `  - '${image}'\n`).join('');
  writeFileSync(file, `version: 1\ncvmfs_repo: '${repository}'\ninput:\n${input}`);
  return file;
}

/** The command line of unpackd; `profile`: the folder for its CPU profile. */
export function unpackd(words: readonly string[], profile?: string): string[] {
  return [process.execPath, ...FLAGS, ...profileOptions(profile), PROGRAM, ...words, '--progress', 'none'];
}

function profileOptions(profile: string | undefined): string[] {
  if (profile === undefined) return [];
  mkdirSync(profile, { recursive: true });
  return ['--cpu-prof', '--cpu-prof-dir', profile];
}

/** Runs unpackd in a scenario that compares it with nothing. */
export async function runUnpackd(gauge: Gauge, words: readonly string[]): Promise<MeasuredRun> {
  return await gauge.run({ words: unpackd(words) });
}
