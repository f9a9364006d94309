import type { BytePath, FileEntry } from '../repository/entry.ts';
import { ownErrors } from '../own-failure.ts';
import { decompress } from './decompress.ts';
import { isLandmark, lazyFormOf, tailOf } from './lazy-pulling.ts';
import { memberPath } from './member-path.ts';
import { TarReader } from './tar-reader.ts';

/** Which files of a layer are wanted, by their ordinal (position among the archive's members), and where. */
export type Wanted = Pick<ReadonlyMap<number, BytePath>, 'size' | 'get'>;

/** The files of the layer in the file `blob` that are `wanted`, with their contents, in the order of the archive. */
export async function* layerContents(blob: string, wanted: Wanted): AsyncGenerator<FileEntry> {
  const isLazy = lazyFormOf(await tailOf(blob)) !== undefined;
  const bytes = ownErrors(decompress(blob));
  const archive = new TarReader(bytes);
  let found = 0;
  try {
    for (let ordinal = 0; found < wanted.size;) {
      const member = await archive.next();
      if (member === undefined)
        throw new Error(`${blob} holds ${found} of ${wanted.size} files that its listing names`);
      if (isLazy && isLandmark({ ...member, path: memberPath(member.name) })) continue;
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
