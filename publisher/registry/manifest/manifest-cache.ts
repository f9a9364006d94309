import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { parseIfValid } from '../../../core/json.ts';
import { writeQuickly } from '../../../core/system/files.ts';
import {
  noteUse,
  removeUnused,
  type RemovedFiles,
  type UnusedRule,
} from '../../../core/system/unused-files.ts';
import { hasCode, isDiskFull } from '../../../core/system-error.ts';
import { formatReference, type ImageReference } from '../../../core/oci/reference.ts';
import { systemFailure } from '../../../core/system-failure.ts';
import { isDigest, sha256, type Digest } from '../../../core/oci/digest.ts';

/** A server's name for what it has at an address, and at no other (RFC 9110, section 8.8.3). */
export interface EntityTag {
  /** As the field `ETag` has it. */
  readonly value: string;
  readonly url: string;
}

/** The documents of a reference, as they were when it was last looked up. */
export interface CachedManifest {
  /** Of the manifest or index that the registry gave for it. */
  readonly digest: Digest;
  readonly etag: EntityTag | undefined;
  /** The root document and all others read on the way to the images: manifests and configs, by digest. */
  readonly documents: ReadonlyMap<Digest, Buffer>;
}

/**
 * Keeps the documents of references, so that a poll that finds the same again reads nothing. It may forget anything. What
 * it keeps is content: it does not matter whose platforms or policies it was read for.
 */
export interface ManifestCache {
  /** Each document has the digest that it is kept under. */
  readonly get: (reference: ImageReference) => Promise<CachedManifest | undefined>;
  readonly set: (reference: ImageReference, manifest: CachedManifest) => Promise<void>;
}

export const NO_CACHE: ManifestCache = {
  get: async () => await Promise.resolve(undefined),
  set: async () => await Promise.resolve(),
};

/** Documents are text of one character a byte, so that they come back as they were. */
const File = z.object({
  name: z.string(),
  digest: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)),
  etag: z.object({ value: z.string(), url: z.string() }).optional(),
  documents: z.array(z.string()),
});

/** An image with many platforms has some hundred thousand bytes of documents; it is read as a whole. */
const LARGEST_FILE_BYTES = 16 * 1024 * 1024;

const FILE = /^[0-9a-f]{64}\.json$/;

/** Keeps a file for each reference below a directory. A damaged one is a miss; the digest of a document follows from its bytes. */
export class ManifestFiles implements ManifestCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws Failure `state-unusable` */
  readonly get = async (reference: ImageReference): Promise<CachedManifest | undefined> => {
    const text = await this.#read(this.#pathOf(reference));
    const file = text === undefined ? undefined : parseIfValid(File, text);
    if (file === undefined || file.name !== nameOf(reference)) return undefined;
    const documents = new Map(
      file.documents.map((document) => {
        const bytes = Buffer.from(document, 'latin1');
        return [sha256(bytes), bytes] as const;
      }),
    );
    const { digest, etag } = file;
    return documents.has(digest) ? { digest, etag, documents } : undefined;
  };

  /** Keeps nothing where the disk is full. @throws Failure `state-unusable` */
  readonly set = async (reference: ImageReference, manifest: CachedManifest): Promise<void> => {
    const { digest, etag } = manifest;
    const documents = [...manifest.documents.values()].map((bytes) => bytes.toString('latin1'));
    const file: z.input<typeof File> = { name: nameOf(reference), digest, etag, documents };
    const path = this.#pathOf(reference);
    const text = JSON.stringify(file);
    if (Buffer.byteLength(text) > LARGEST_FILE_BYTES) return;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeQuickly(path, text);
    } catch (error) {
      if (isDiskFull(error)) return;
      throw systemFailure(error, { path: this.#directory, code: 'state-unusable' });
    }
  };

  /** Removes what was not used for long. */
  async removeUnused(rule: Omit<UnusedRule, 'mayGo'>): Promise<RemovedFiles> {
    return await removeUnused(this.#directory, { ...rule, mayGo: (name) => FILE.test(name) });
  }

  async #read(path: string): Promise<string | undefined> {
    try {
      const { size, mtimeMs } = await stat(path);
      await noteUse(path, mtimeMs);
      return size > LARGEST_FILE_BYTES ? undefined : await readFile(path, 'utf8');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw systemFailure(error, { path: this.#directory, code: 'state-unusable' });
    }
  }

  #pathOf(reference: ImageReference): string {
    const hex = createHash('sha256').update(nameOf(reference)).digest('hex');
    return join(this.#directory, hex.slice(0, 2), `${hex}.json`);
  }
}

/** Plain HTTP and HTTPS may lead to different registries. */
function nameOf(reference: ImageReference): string {
  return `${reference.scheme}://${formatReference(reference)}`;
}
