import { readTextFile } from '../recipe/text-file.ts';
import type { Fetched, FileSource } from './source.ts';

/** @throws Failure `recipe-unreadable` */
export async function fetchFile({ path }: FileSource): Promise<Fetched> {
  return { files: [{ label: path, text: await readTextFile(path) }] };
}
