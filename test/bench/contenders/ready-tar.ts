import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Job } from './contender.ts';
import { CvmfsRepository, noReleaseManager } from './cvmfs-repository.ts';
import { convert, openTarget } from './unpackd.ts';

/**
 * The floor of a publication: `cvmfs_server ingest` of the archive that unpackd feeds it, ready on disk, into a repository
 * in the same state.
 */
export const readyTar: Contender = {
  name: 'ingest of the ready tar',
  backend: 'cvmfs',
  missing: noReleaseManager,
  prepare: record,
  open: async (job) => {
    const repository = await CvmfsRepository.make();
    return {
      publish: async (_, index) => {
        const tar = tarOf(job, index);
        if (!existsSync(tar)) return undefined;
        const { measurement } = await job.bench.gauge.run({ words: ingest(tar, repository.name) });
        return { ...measurement, streamBytes: statSync(tar).size };
      },
      close: async () => await repository.remove(),
    };
  },
};

/** Publishes each step once, and keeps the archives. */
async function record(job: Job): Promise<void> {
  const work = join(job.folder, 'record');
  mkdirSync(work);
  const target = await openTarget('cvmfs', work);
  const { gauge } = job.bench;
  try {
    for (const [index, images] of job.steps.entries()) {
      const environment = gauge.environment(tarOf(job, index));
      await convert(gauge, images, { work, target, environment });
    }
  } finally {
    await target.close();
  }
}

/** The recorded command, with a file in place of its input and another repository. */
function ingest(tar: string, repository: string): string[] {
  const words = readFileSync(`${tar}.words`, 'utf8').split('\0').slice(0, -2);
  words[words.indexOf('-t') + 1] = tar;
  return ['cvmfs_server', ...words, repository];
}

function tarOf({ folder }: Job, index: number): string {
  return join(folder, `step-${index}.tar`);
}
