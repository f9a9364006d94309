import { z } from 'zod';
import { parseIfValid } from '../../core/json.ts';
import { displayPath, type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { MANIFEST_FILE, manifestPath, REMOVED_FOLDER } from '../image/layout.ts';
import { treeName } from '../outputs/output.ts';
import { referencesOf } from '../outputs/references.ts';
import { parsePublishedManifest } from '../published/published-manifest.ts';
import type { RepositoryView } from '../publication/view.ts';
import { REMOVED_FILE } from '../removal/removed-image.ts';
import type { CollectionOptions, Finding } from './report.ts';
import { walkFolders } from '../publication/walk.ts';

/** An image that was taken back. */
interface Removed {
  readonly folder: BytePath;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** By name. */
  readonly trees: readonly string[];
  /** Its name leads to an image again. */
  readonly isPublished: boolean;
}

const RemovedSchema = z.object({ removed: z.iso.datetime() });

/** What is kept of all images that were taken back: it refers to nothing, and says how to restore what is there. */
export class RemovedImages {
  readonly unreadable: Finding[] = [];
  /** Counts the entries of each folder. */
  readonly entries = new Map<BytePath, number>();
  readonly #images: Removed[] = [];

  static async of(view: RepositoryView): Promise<RemovedImages> {
    const found = new RemovedImages();
    if ((await view.kindOf(REMOVED_FOLDER)) !== 'directory') return found;
    await walkFolders(view, REMOVED_FOLDER, async (folder, children) => {
      if (folder !== REMOVED_FOLDER) found.entries.set(folder, children.length);
      const files = new Set(children.flatMap(({ name, kind }) => (kind === 'file' ? [name] : [])));
      const isImage = files.size > 0 && files.size === children.length;
      if (isImage) await found.#read(view, folder);
      else for (const file of files) found.#report(joinPath(folder, file));
      return children.filter(({ kind }) => kind === 'directory');
    });
    return found;
  }

  /**
   * The folders of those that nobody can restore any more: of names that were published again, and those taken back longer
   * ago than the grace period of which no tree waits.
   */
  outdated(
    waiting: { readonly has: (name: string) => boolean },
    { nowMs, graceMs }: Pick<CollectionOptions, 'nowMs' | 'graceMs'>,
  ): BytePath[] {
    const isKept = ({ at, trees }: Removed): boolean =>
      nowMs - at < graceMs || trees.some((tree) => waiting.has(tree));
    return this.#images.flatMap((image) => (!image.isPublished && isKept(image) ? [] : [image.folder]));
  }

  async #read(view: RepositoryView, folder: BytePath): Promise<void> {
    const manifest = parsePublishedManifest(await view.read(joinPath(folder, MANIFEST_FILE)));
    const removed = parseIfValid(RemovedSchema, await view.read(joinPath(folder, REMOVED_FILE)));
    if (manifest === undefined || removed === undefined) {
      this.#report(folder);
      return;
    }
    const trees = referencesOf(manifest).map(treeName);
    const isPublished =
      (await view.kindOf(manifestPath(folder.slice(REMOVED_FOLDER.length + 1)))) !== undefined;
    this.#images.push({ folder, at: Date.parse(removed.removed), trees, isPublished });
  }

  #report(path: BytePath): void {
    this.unreadable.push({ path: displayPath(path), why: 'it is nothing that a removal leaves there' });
  }
}
