import { join } from 'node:path';

import type { OutputName } from '../../../core/outputs.ts';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import { CvmfsBackend } from '../../../publisher/repository/cvmfs/backend.ts';
import type { Installation } from '../../../publisher/repository/cvmfs/installation.ts';
import { publishInto } from '../../publisher/compose/publish-into.ts';
import { Workshop } from '../../publisher/compose/workshop.ts';
import { findProgram } from '../../support/programs.ts';
import type { Subject } from './subject.ts';

const OUTPUTS = new Set<OutputName>(['layers', 'chains', 'flat']);

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
    const installation = installationOf(this.#subject);
    const place = {
      name: this.#subject.repository,
      backend: new CvmfsBackend({ installation, waitMs: 0, idleLimitMs: 600_000 }),
      listings: this.workshop.listings,
      outputs: OUTPUTS,
      say: (message: string): void => void this.said.push(message),
    };
    return await publishInto(place, images);
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
