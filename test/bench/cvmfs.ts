import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../support/programs.ts';
import { measure } from './measure.ts';
import type { Row } from './report.ts';
import { unpackd, writeRecipe } from './unpackd.ts';

export interface CvmfsBench {
  readonly folder: string;
  /** Published first, in one batch. */
  readonly batch: readonly string[];
  /** Published afterwards, alone. */
  readonly update: string | undefined;
  /** Existing, empty repositories of this release manager: for unpackd, the recording, the ready tar, and DUCC. */
  readonly repositories: readonly string[];
}

/** The batch, then one image more, on a real release manager; compared with ingest of the same tar lying ready. */
export async function benchCvmfs({ folder, batch, update, repositories }: CvmfsBench): Promise<Row[]> {
  const [ours, recorded, ready, ducc] = repositories;
  if (ours === undefined || recorded === undefined || ready === undefined) return [];
  const batchJob = `cvmfs: ${batch.length} images`;
  const tar = await record(folder, recorded, batch);
  const rows: Row[] = [];
  rows.push({ job: batchJob, program: 'unpackd', measurement: await measure(publish(folder, ours, batch)) });
  rows.push({
    job: batchJob,
    program: 'ingest of the ready tar',
    measurement: await measure(ingest(tar, ready)),
  });
  rmSync(tar);
  const withDucc = ducc !== undefined && findProgram('cvmfs_ducc') !== undefined;
  if (withDucc)
    rows.push({
      job: batchJob,
      program: 'DUCC',
      measurement: await measure(publishByDucc(folder, ducc, batch)),
    });
  if (update === undefined) return rows;
  const updateJob = `cvmfs: then ${update.replace(/^.*\//, '')}`;
  rows.push({
    job: updateJob,
    program: 'unpackd',
    measurement: await measure(publish(folder, ours, [update])),
  });
  if (withDucc)
    rows.push({
      job: updateJob,
      program: 'DUCC',
      measurement: await measure(publishByDucc(folder, ducc, [update])),
    });
  return rows;
}

function publish(folder: string, repository: string, images: readonly string[]): string[] {
  const recipe = writeRecipe(folder, repository, images);
  return unpackd('convert', recipe, '--backend', 'cvmfs', '--state', join(folder, `state-${repository}`));
}

/** Publishes once with a program in between that keeps the stream. */
async function record(folder: string, repository: string, images: readonly string[]): Promise<string> {
  const [tar, recorder] = [join(folder, 'stream.tar'), join(folder, 'recorder')];
  writeFileSync(
    recorder,
    `#!/bin/bash\nif [ "$1" != ingest ]; then exec cvmfs_server "$@"; fi\ntee '${tar}' | cvmfs_server "$@"\nexit "\${PIPESTATUS[1]}"\n`,
  );
  chmodSync(recorder, 0o755);
  await measure([...publish(folder, repository, images), '--cvmfs-server', recorder]);
  return tar;
}

function ingest(tar: string, repository: string): string[] {
  return ['cvmfs_server', 'ingest', '-k', '-t', tar, '-b', '/', repository];
}

function publishByDucc(folder: string, repository: string, images: readonly string[]): string[] {
  const recipe = join(folder, `${repository}-ducc.yaml`);
  const input = images.map((image) => `  - '${image}'\n`).join('');
  const output = "output_format: '$(scheme)://$(registry)/$(repository)-thin:$(tag)'";
  writeFileSync(recipe, `version: 1\nuser: bench\ncvmfs_repo: '${repository}'\n${output}\ninput:\n${input}`);
  return ['cvmfs_ducc', 'convert', recipe, '--skip-thin-image', '--skip-podman'];
}
