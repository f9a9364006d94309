import { z } from 'zod';
import { parseIfValid } from '../../core/json.ts';
import { BY_HAND_FILE, KEPT_FOR_FILE, metadataPath } from '../image/layout.ts';
import { metadataFile, type Attributes, type FileEntry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';

/** Notes in the metadata of an image on why it is published, for whoever decides whether it goes. */

const FORMAT = 1;

const KeptForSchema = z.object({
  format: z.literal(FORMAT),
  /** Of the tag, as `platformName` gives it. */
  name: z.string().min(1),
  since: z.iso.datetime(),
});

/** The tag that led to an image before it moved, and when it did. */
export type KeptFor = Readonly<Omit<z.infer<typeof KeptForSchema>, 'format'>>;

/** Says that the image `name` was published by hand. */
export function byHandFile(name: string, attributes: Attributes): FileEntry {
  const since = new Date(attributes.mtime * 1000).toISOString();
  return note(metadataPath(name, BY_HAND_FILE), { format: FORMAT, since }, attributes);
}

/** Says that the image `name` is what the tag of `kept` led to. */
export function keptForFile(name: string, kept: KeptFor, attributes: Attributes): FileEntry {
  const { name: tag, since } = kept;
  return note(metadataPath(name, KEPT_FOR_FILE), { format: FORMAT, name: tag, since }, attributes);
}

/** Reports whether the image was published by hand. Whatever stands there counts: such an image is nobody's to remove. */
export async function isByHand(view: RepositoryView, name: string): Promise<boolean> {
  return (await view.kindOf(metadataPath(name, BY_HAND_FILE))) !== undefined;
}

/** @returns `undefined` for no note, and for one that cannot be read */
export async function keptForOf(view: RepositoryView, name: string): Promise<KeptFor | undefined> {
  const found = parseIfValid(KeptForSchema, await view.read(metadataPath(name, KEPT_FOR_FILE)));
  return found && { name: found.name, since: found.since };
}

function note(path: string, document: object, attributes: Attributes): FileEntry {
  return metadataFile(path, Buffer.from(`${JSON.stringify(document)}\n`), attributes);
}
