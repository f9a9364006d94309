import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { hasCode } from '../../../core/system-error.ts';
import { findProgram, isRoot } from '../../support/programs.ts';

const CONFIGURATION = '/etc/cvmfs/repositories.d';
/** Only the bench gives such names, with the process that it is. */
const NAME = /^bench-(\d+)-\d+\.local$/;

/** Why no repositories can be made on this machine. */
export function noReleaseManager(): string | undefined {
  if (findProgram('cvmfs_server') === undefined) return 'cvmfs_server is not installed';
  return isRoot() ? undefined : 'only root can make repositories';
}

let made = 0;

/** An empty repository of this release manager, made for one run. */
export class CvmfsRepository {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async make(): Promise<CvmfsRepository> {
    const name = `bench-${process.pid}-${++made}.local`;
    // Without tags of its own for each revision, which cost time with every transaction.
    await server('mkfs', '-o', 'root', '-g', name);
    return new CvmfsRepository(name);
  }

  /** Removes what a bench that was killed has left. */
  static async removeLeftovers(): Promise<void> {
    for (const name of repositories().filter(isLeft)) await server('rmfs', '-f', name);
  }

  async remove(): Promise<void> {
    await server('rmfs', '-f', this.name);
  }
}

function isLeft(repository: string): boolean {
  const [, pid] = NAME.exec(repository) ?? [];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

function repositories(): string[] {
  try {
    return readdirSync(CONFIGURATION);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function server(...words: readonly string[]): Promise<void> {
  const child = spawn('cvmfs_server', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (status !== 0)
    throw new Error(`cvmfs_server ${words.join(' ')} failed (exit ${status}):\n${stdout}${stderr}`);
}
