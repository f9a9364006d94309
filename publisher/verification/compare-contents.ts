import { hasCode } from '../../core/system-error.ts';
import { messageOf } from '../../core/failure.ts';
import { type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { takeTurns } from '../../core/turns.ts';
import { layerContents, type LayerBlob, type Wanted } from '../layer/content.ts';
import { NumberSet } from '../packed/column.ts';
import type { FileEntry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { LayerTree } from '../tree/layer-tree.ts';
import type { LayerSource } from '../tree/node.ts';
import type { EntryTools } from './compare-entry.ts';
import type { Findings } from './finding.ts';

/** A tree some of whose files are to be compared. */
export interface ComparedTree {
  readonly root: BytePath;
  readonly findings: Findings;
}

/** The files of one layer in one tree. Nearly all are at the place that they have in the layer. */
interface Places {
  readonly atHome: NumberSet;
  readonly elsewhere: Map<number, BytePath[]>;
}

/** The files of a layer whose contents are to be compared with published files, in whatever trees these are. */
export class LayerFiles implements Wanted {
  readonly #layerTree: LayerTree;
  readonly #ordinals = new NumberSet();
  readonly #places = new Map<ComparedTree, Places>();

  constructor(layerTree: LayerTree) {
    this.#layerTree = layerTree;
  }

  add(tree: ComparedTree, { ordinal, path }: LayerSource, at: BytePath): void {
    this.#ordinals.add(ordinal);
    const places = this.#places.get(tree) ?? { atHome: new NumberSet(), elsewhere: new Map() };
    this.#places.set(tree, places);
    const { atHome, elsewhere } = places;
    if (at === joinPath(tree.root, path)) atHome.add(ordinal);
    else elsewhere.set(ordinal, [...(elsewhere.get(ordinal) ?? []), at]);
  }

  get size(): number {
    return this.#ordinals.size;
  }

  /** Its ordinal stands for the file, since it may be published in several places. */
  get(ordinal: number): BytePath | undefined {
    return this.#ordinals.has(ordinal) ? String(ordinal) : undefined;
  }

  *placesOf({ path: text }: FileEntry): Generator<{ tree: ComparedTree; path: BytePath }> {
    const ordinal = Number(text);
    for (const [tree, { atHome, elsewhere }] of this.#places) {
      const home = atHome.has(ordinal) ? this.#layerTree.placeOf(ordinal) : undefined;
      if (home !== undefined) yield { tree, path: joinPath(tree.root, home) };
      for (const path of elsewhere.get(ordinal) ?? []) yield { tree, path };
    }
  }
}

/**
 * Compares the contents of published files with those in their layer's blob, which is read once, and verified again.
 *
 * @throws Failure `digest-mismatch`, `layer-corrupt`
 */
export async function compareContents(
  blob: LayerBlob,
  files: LayerFiles,
  view: RepositoryView,
): Promise<void> {
  if (files.size === 0) return;
  for await (const entry of layerContents(blob, files)) {
    const readers = Array.from(
      files.placesOf(entry),
      ({ tree, path }) => new PublishedBytes(path, { view, findings: tree.findings }),
    );
    try {
      for await (const chunk of entry.content) {
        for (const reader of readers) await reader.compare(chunk);
        await takeTurns();
      }
    } finally {
      for (const reader of readers) await reader.close();
    }
  }
}

/** A published file that is read along with what it should be. */
class PublishedBytes {
  readonly #path: BytePath;
  readonly #findings: Findings;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #offset = 0;
  /** Nothing more is compared. */
  #isDone = false;

  constructor(path: BytePath, { view, findings }: EntryTools) {
    this.#path = path;
    this.#findings = findings;
    this.#chunks = view.contents(path)[Symbol.asyncIterator]();
  }

  /** Compares the next bytes. After a difference the rest does not matter. */
  async compare(expected: Uint8Array): Promise<void> {
    for (let at = 0; at < expected.length && !this.#isDone;) {
      if (this.#rest.length === 0 && !(await this.#read())) return;
      const length = Math.min(this.#rest.length, expected.length - at);
      const found = this.#rest.subarray(0, length);
      if (Buffer.compare(found, expected.subarray(at, at + length)) !== 0) {
        this.#differs(`others from byte ${this.#offset} on, or a little later`);
        return;
      }
      this.#rest = this.#rest.subarray(length);
      this.#offset += length;
      at += length;
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #read(): Promise<boolean> {
    try {
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#differs(`${this.#offset} bytes`);
        return false;
      }
      this.#rest = next.value;
      return true;
    } catch (error) {
      // Files of images may be their owner's alone.
      this.#isDone = true;
      if (!hasCode(error, 'EACCES', 'EPERM'))
        this.#add('unreadable', 'a file that can be read', messageOf(error));
      return false;
    }
  }

  #differs(found: string): void {
    this.#add('content', 'the bytes of the layer', found);
  }

  #add(kind: 'content' | 'unreadable', expected: string, found: string): void {
    this.#isDone = true;
    this.#findings.add({ kind, path: this.#path, expected, found });
  }
}
