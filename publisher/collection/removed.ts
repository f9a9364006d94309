import { z } from 'zod';
import { parseIfValid } from '../../core/json.ts';
import { OWN_FOLDERS } from '../../core/outputs.ts';
import { displayPath, type BytePath } from '../../core/system/byte-path.ts';
import { MANIFEST_FILE } from '../image/layout.ts';
import { treeName } from '../outputs/output.ts';
import { referencesOf } from '../outputs/references.ts';
import { parsePublishedManifest } from '../published/published-manifest.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { CollectionOptions, Finding } from './report.ts';
import { pathIn, walkFolders } from './walk.ts';

/** Documents of images that were taken back: they refer to nothing, and say how to restore it while it is there. */
const FOLDER: BytePath = `${OWN_FOLDERS.records}/removed`;

/** An image that was taken back. */
interface Removed {
  readonly folder: BytePath;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** By name. */
  readonly trees: readonly string[];
}

const RemovedSchema = z.object({ removed: z.iso.datetime() });

/** The documents of all images that were taken back. */
export class RemovedImages {
  readonly unreadable: Finding[] = [];
  /** Counts the entries of each folder. */
  readonly entries = new Map<BytePath, number>();
  readonly #images: Removed[] = [];

  static async of(view: RepositoryView): Promise<RemovedImages> {
    const found = new RemovedImages();
    if ((await view.kindOf(FOLDER)) !== 'directory') return found;
    await walkFolders(view, FOLDER, async (folder, children) => {
      if (folder !== FOLDER) found.entries.set(folder, children.length);
      const files = new Set(children.flatMap(({ name, kind }) => (kind === 'file' ? [name] : [])));
      const isImage = files.size > 0 && files.size === children.length;
      if (isImage) await found.#read(view, folder);
      else for (const file of files) found.#report(pathIn(folder, file));
      return children.filter(({ kind }) => kind === 'directory');
    });
    return found;
  }

  /**
   * The folders of those that nobody can restore any more: taken back longer ago than the grace period, and none of their
   * trees waits.
   */
  outdated(
    waiting: { readonly has: (name: string) => boolean },
    { nowMs, graceMs }: Pick<CollectionOptions, 'nowMs' | 'graceMs'>,
  ): BytePath[] {
    return this.#images.flatMap(({ folder, at, trees }) =>
      nowMs - at < graceMs || trees.some((tree) => waiting.has(tree)) ? [] : [folder],
    );
  }

  async #read(view: RepositoryView, folder: BytePath): Promise<void> {
    const manifest = parsePublishedManifest(await view.read(pathIn(folder, MANIFEST_FILE)));
    const removed = parseIfValid(RemovedSchema, await view.read(pathIn(folder, 'removed.json')));
    if (manifest === undefined || removed === undefined) {
      this.#report(folder);
      return;
    }
    const trees = referencesOf(manifest).map(treeName);
    this.#images.push({ folder, at: Date.parse(removed.removed), trees });
  }

  #report(path: BytePath): void {
    this.unreadable.push({ path: displayPath(path), why: 'it is nothing that a removal leaves there' });
  }
}
