import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../../core/system-error.ts';

const KEPT = 'repository.git';
const CLAIMED = /^claimed-.*\.git$/;

/** Longer than any fetch takes. */
const ABANDONED_MS = 60 * 60_000;

/** Each fetch adds a pack, and nothing else ever goes. */
const MOST_PACKS = 50;

/**
 * A bare repository that nobody else uses at the time. It has a unique name while in use, so that what
 * a crash leaves is never taken for a clone that is whole, and two processes never meet in one.
 */
export class Clone {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, `claimed-${randomUUID()}.git`);
  }

  /** The one that an earlier fetch has kept in `folder`; `undefined` where there is none. */
  static async claim(folder: string): Promise<Clone | undefined> {
    await removeAbandoned(folder);
    const clone = new Clone(folder);
    try {
      await rename(join(folder, KEPT), clone.path);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    // Something that is no directory is no clone either: whoever opens it will find out.
    const now = new Date();
    await utimes(clone.path, now, now);
    if ((await stat(clone.path)).isDirectory()) return clone;
    await clone.discard();
    return undefined;
  }

  /** A new directory, still empty. */
  static async make(folder: string): Promise<Clone> {
    const clone = new Clone(folder);
    await mkdir(clone.path, { mode: 0o700 });
    return clone;
  }

  /** Leaves it for the next fetch, unless it is too large or somebody else has left one already. */
  async keep(sizeLimitBytes: number): Promise<void> {
    const packs = await this.#packs();
    const bytes = packs.reduce((sum, { size }) => sum + size, 0);
    if (packs.length > MOST_PACKS || bytes > sizeLimitBytes) {
      await this.discard();
      return;
    }
    try {
      await rename(this.path, join(this.#folder, KEPT));
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error;
      await this.discard();
    }
  }

  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  async #packs(): Promise<Stats[]> {
    const folder = join(this.path, 'objects/pack');
    const names = (await namesIn(folder)).filter((name) => name.endsWith('.pack'));
    return await Promise.all(names.map(async (name) => await stat(join(folder, name))));
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (!CLAIMED.test(name)) continue;
    const path = join(folder, name);
    const modifiedMs = await modifiedAt(path);
    if (modifiedMs !== undefined && Date.now() - modifiedMs > ABANDONED_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** `undefined` where it has gone. */
async function modifiedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
