import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { hasCode, isDiskFull } from '../../../core/system-error.ts';
import { formatReference, type ImageReference } from '../../../core/oci/reference.ts';
import { systemFailure } from '../../../core/system-failure.ts';
import { isDigest, type Digest } from '../../../core/oci/digest.ts';
import type { ManifestMemory, Remembered } from './manifest-memory.ts';
import { sha256 } from './verify.ts';
import { parseIfValid } from '../../../core/json.ts';
import { writeWhole } from '../../../core/system/files.ts';

/** Documents are text of one character a byte, so that they come back as they were. */
const File = z.object({
  name: z.string(),
  digest: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)),
  etag: z.object({ value: z.string(), url: z.string() }).optional(),
  documents: z.array(z.string()),
});

/** An image with many platforms has some hundred thousand bytes of documents; it is read as a whole. */
const LARGEST_FILE_BYTES = 16 * 1024 * 1024;

/**
 * Keeps what references meant below a directory, a file for each. A cache: what is missing or damaged is asked for
 * again, and what a document is called follows from its bytes.
 */
export class ManifestFiles implements ManifestMemory {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws Failure `state-unusable` */
  readonly recall = async (reference: ImageReference): Promise<Remembered | undefined> => {
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

  /** Where the disk is full nothing is remembered. @throws Failure `state-unusable` */
  readonly remember = async (reference: ImageReference, remembered: Remembered): Promise<void> => {
    const { digest, etag } = remembered;
    const documents = [...remembered.documents.values()].map((bytes) => bytes.toString('latin1'));
    const file: z.input<typeof File> = { name: nameOf(reference), digest, etag, documents };
    const path = this.#pathOf(reference);
    const text = JSON.stringify(file);
    if (Buffer.byteLength(text) > LARGEST_FILE_BYTES) return;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeWhole(path, text);
    } catch (error) {
      // What is not remembered is asked for again.
      if (isDiskFull(error)) return;
      throw systemFailure(error, { path: this.#directory, code: 'state-unusable' });
    }
  };

  async #read(path: string): Promise<string | undefined> {
    try {
      const { size } = await stat(path);
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
