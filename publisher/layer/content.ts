import type { FileEntry } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { asFailure, type Failure } from '../../core/failure.ts';
import { decompress } from './decompress.ts';
import { isLandmark } from './lazy-pulling.ts';
import { memberPath } from './member-path.ts';
import { TarReader } from './tar-reader.ts';
import { VerifiedBlob, type LayerBlob } from './verified-blob.ts';

/** Which files of a layer are wanted, by their ordinal (position among the archive's members), and where. */
export type Wanted = Pick<ReadonlyMap<number, BytePath>, 'size' | 'get'>;

/**
 * The files of the layer that are `wanted`, with their contents, in the order of the archive. What was yielded counts only
 * when all of it was: then the whole blob had its digest again.
 *
 * @throws Failure `digest-mismatch` where the blob has changed since it was verified; `layer-corrupt`
 */
export async function* layerContents(blob: LayerBlob, wanted: Wanted): AsyncGenerator<FileEntry> {
  const verified = await VerifiedBlob.open(blob);
  try {
    yield* wantedFiles(verified, wanted);
    await verified.verify();
  } catch (error) {
    throw await reasonOf(error, verified);
  } finally {
    await verified.close();
  }
}

async function* wantedFiles(blob: VerifiedBlob, wanted: Wanted): AsyncGenerator<FileEntry> {
  const bytes = decompressed(blob);
  const archive = new TarReader(bytes);
  let found = 0;
  try {
    for (let ordinal = 0; found < wanted.size;) {
      const member = await archive.next();
      if (member === undefined)
        throw new Error(`${blob.path} holds ${found} of ${wanted.size} files that its listing names`);
      if (member.sizeBytes === 1 && isLandmark({ ...member, path: memberPath(member.name) })) continue;
      const path = wanted.get(ordinal++);
      if (path === undefined) continue;
      found++;
      const { attributes, sizeBytes } = member;
      yield { type: 'file', path, attributes, sizeBytes, content: archive.content() };
    }
  } finally {
    await bytes.return(undefined);
  }
}

async function* decompressed(blob: VerifiedBlob): AsyncGenerator<Uint8Array> {
  try {
    yield* decompress(blob.bytes());
  } catch (error) {
    throw await reasonOf(error, blob);
  }
}

/** What is wrong with a blob that has changed may look like anything. */
async function reasonOf(error: unknown, blob: VerifiedBlob): Promise<Failure> {
  try {
    await blob.verify();
    return asFailure(error);
  } catch (mismatch) {
    return asFailure(mismatch);
  }
}
