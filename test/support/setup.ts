import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeCoverage } from 'node:v8';

const folders: string[] = [];

/** A new empty directory that is removed when all tests of the file have run. */
export async function temporaryDirectory(name = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `unpackd-${name}-`));
  folders.push(folder);
  return folder;
}

export const mochaHooks = {
  afterAll(): void {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
    // A process that mocha runs files in is killed before it would write what it covered.
    takeCoverage();
  },
};
