import { pathBelow, type BytePath } from '../../../core/system/byte-path.ts';
import { readXattr } from '../../../core/system/libc.ts';
import { DirectoryView, type Inode } from '../../publication/view.ts';
import type { CvmfsRepository } from './installation.ts';

/** The configuration may have been another one when a file was published. */
const LARGEST_ASSUMED_CHUNK_BYTES = 1024 * 1024;

/**
 * The published state of a repository of CernVM-FS, through its read-only mount.
 *
 * A union transaction publishes large files in chunks. Ingest makes a hard link by copying the catalog's row of the file,
 * which says that there are chunks, and not the rows of the chunks: the link cannot be read, and `cvmfs_server check`
 * reports it.
 *
 * @see CernVM-FS documentation, "Client magic extended attributes"; `WritableCatalogManager::Clone` of 2.12
 */
export class CvmfsView extends DirectoryView {
  override readonly linkableBytes: number;
  override readonly addsXattrs = true;
  readonly #root: string;
  /** Caches whether any file is in chunks: counting them takes ten times as long as asking for the revision. */
  #chunked: { readonly revision: number; readonly isAny: boolean } | undefined;

  constructor({ published, smallestChunkBytes }: Pick<CvmfsRepository, 'published' | 'smallestChunkBytes'>) {
    super(published);
    this.#root = published;
    this.linkableBytes = Math.min(smallestChunkBytes, LARGEST_ASSUMED_CHUNK_BYTES);
  }

  /** Content has one hash, whatever its names. It is asked for where the identity is, since that costs as much again. */
  override async inodeOf(path: BytePath): Promise<Inode | undefined> {
    const found = await super.inodeOf(path);
    if (found?.type !== 'file') return found;
    const at = pathBelow(this.#root, path);
    const { identity } = found;
    return {
      ...found,
      names: 1,
      get identity() {
        return readXattr(at, 'user.hash') ?? identity;
      },
    };
  }

  /** `user.chunks` counts 1 for a file that has none, and is missing where the chunks are. */
  override async isLinkable(path: BytePath): Promise<boolean> {
    return readXattr(pathBelow(this.#root, path), 'user.chunks') === '1';
  }

  /** By counts that catalogs keep: neither question depends on how much there is. */
  override async mayHoldUnlinkable(path: BytePath): Promise<boolean> {
    if (!this.#hasChunked()) return false;
    return path === '' || this.#countsChunked(path, 'user.catalog_counters');
  }

  /** @see CernVM-FS documentation, "Client magic extended attributes": `user.revision` */
  revision(): number | undefined {
    const text = readXattr(Buffer.from(this.#root), 'user.revision');
    return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
  }

  #hasChunked(): boolean {
    const revision = this.revision();
    if (revision !== undefined && this.#chunked?.revision === revision) return this.#chunked.isAny;
    const isAny = this.#countsChunked('', 'user.repo_counters');
    this.#chunked = revision === undefined ? undefined : { revision, isAny };
    return isAny;
  }

  /** Of the whole repository, or of the catalog that holds what is in `path`, with all below it. */
  #countsChunked(path: BytePath, attribute: string): boolean {
    const counts = readXattr(pathBelow(this.#root, path), attribute) ?? '';
    return /^chunked,0*[1-9]/m.test(counts);
  }
}
