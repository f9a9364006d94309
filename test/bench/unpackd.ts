import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../daemon/cli/main.js', import.meta.url));

/** A recipe of `images` (with their scheme) in `folder`. */
export function writeRecipe(folder: string, repository: string, images: readonly string[]): string {
  const file = join(folder, `${repository}.yaml`);
  const input = images.map((image) => `  - '${image}'\n`).join('');
  writeFileSync(file, `version: 1\ncvmfs_repo: '${repository}'\ninput:\n${input}`);
  return file;
}

export function unpackd(...words: string[]): string[] {
  return [process.execPath, PROGRAM, ...words, '--progress', 'none'];
}
