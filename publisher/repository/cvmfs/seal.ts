import { randomUUID } from 'node:crypto';
import { OWN_FOLDERS } from '../../../core/outputs.ts';
import { metadataFile, type Attributes, type Entry, type FileEntry } from '../../publication/entry.ts';
import { type BytePath } from '../../../core/system/byte-path.ts';
import type { RepositoryView } from '../../publication/view.ts';

const FOLDER = `${OWN_FOLDERS.records}/publications`;
/** Always leads to the newest seal. */
const LATEST = `${OWN_FOLDERS.records}/latest`;

/**
 * Makes a stream that ends early fail as a whole.
 *
 * To the reader of a tar archive, one that is cut off between two members is complete, and would be published. So the
 * stream begins with a hard link to a file that comes at its very end: ingest resolves links when everything is in, and
 * aborts where a target is missing.
 */
export interface Seal {
  /** Comes into being with the publication, and never otherwise: tells afterwards whether it was made. */
  readonly path: BytePath;
  /** Seals of earlier publications. */
  readonly outdated: readonly BytePath[];
  readonly wrap: (entries: AsyncIterable<Entry>) => AsyncGenerator<Entry>;
}

/** What tells whether a union transaction was published; the next publication by ingest takes it away. */
export function unionSeal(attributes: Attributes): FileEntry {
  return sealFile(newPath(), attributes);
}

export async function newSeal(view: RepositoryView, attributes: Attributes): Promise<Seal> {
  const path = newPath();
  const outdated: BytePath[] = [];
  for await (const { path: earlier } of view.walk(FOLDER)) outdated.push(earlier);
  async function* wrap(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
    for (const folder of [OWN_FOLDERS.records, FOLDER]) {
      yield { type: 'directory', path: folder, attributes: { ...attributes, mode: 0o755 } };
    }
    yield { type: 'link', path: LATEST, target: path };
    yield* entries;
    yield sealFile(path, attributes);
  }
  return { path, outdated, wrap };
}

function newPath(): BytePath {
  return `${FOLDER}/${randomUUID()}`;
}

function sealFile(path: BytePath, attributes: Attributes): FileEntry {
  const text = Buffer.from(`${new Date().toISOString()}\n`);
  return metadataFile(path, text, attributes);
}
