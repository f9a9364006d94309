import assert from 'node:assert/strict';
import { join } from 'node:path';

import type { ReadyCandidate } from '../../../publisher/publication.ts';
import { publishBatch } from '../../../publisher/publish-batch.ts';
import type { ReadyImage } from '../../../publisher/image.ts';
import { CvmfsBackend } from '../../../publisher/repository/cvmfs/backend.ts';
import type { Installation } from '../../../publisher/repository/cvmfs/installation.ts';
import { Workshop } from '../../publisher/compose/workshop.ts';
import { uninterrupted } from '../../publisher/repository/entries.ts';
import { findProgram } from '../../support/programs.ts';
import type { Subject } from './subject.ts';

const OUTPUTS = { layers: true, chains: true, flat: true, podman: false };

/** Publishes images through unpackd's own publisher into the repository of a server under test. */
export class Publisher {
  readonly workshop: Workshop;
  /** What users were told. */
  readonly said: string[] = [];
  readonly #subject: Subject;

  private constructor(subject: Subject, workshop: Workshop) {
    this.#subject = subject;
    this.workshop = workshop;
  }

  static async open(subject: Subject): Promise<Publisher> {
    return new Publisher(subject, await Workshop.open());
  }

  /** All in one batch; the outcome of each, or the code of its failure. */
  async publish(...images: readonly ReadyImage[]): Promise<string[]> {
    const batch = images.map((image): ReadyCandidate => {
      const { reference, publicName } = image;
      const wanted = { reference, publicName, outputs: undefined, platforms: undefined, isNamed: true };
      const resolved = { ...image, outputs: OUTPUTS };
      return { part: { wanted, platform: undefined }, resolved, missing: [], image: resolved };
    });
    const say = (_: string, message: string): void => void this.said.push(message);
    const parts = {
      name: this.#subject.repository,
      backend: new CvmfsBackend({
        installation: installationOf(this.#subject),
        waitMs: 0,
        idleLimitMs: 600_000,
      }),
      listings: this.workshop.listings,
      observe: (event: { readonly type: string; readonly message?: string }): void =>
        event.type === 'warning' ? say('', event.message ?? '') : undefined,
      notice: say,
      signal: uninterrupted().signal,
    };
    const options = {
      convertAgain: false,
      overwriteLayers: false,
      clientRoot: `/cvmfs/${this.#subject.repository}`,
      unkept: 'warn' as const,
    };
    const { results, stopped } = await publishBatch(batch, parts, options);
    if (stopped !== undefined) throw stopped;
    return batch.map((candidate) => {
      const result = results.get(candidate);
      assert.ok(result !== undefined);
      return result.outcome === 'failed' ? result.code : result.outcome;
    });
  }
}

function installationOf({ fixture }: Subject): Installation {
  if (fixture === undefined) {
    const command = findProgram('cvmfs_server') ?? 'cvmfs_server';
    return { command, root: '/cvmfs', spool: '/var/spool/cvmfs', configuration: '/etc/cvmfs' };
  }
  const { command, root, spool, config } = fixture;
  return { command, root, spool, configuration: join(config, '..') };
}
