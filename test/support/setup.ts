import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

/** A new empty directory that is removed when all tests have run. */
export async function temporaryDirectory(name = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `unpackd-${name}-`));
  folders.push(folder);
  return folder;
}

export const mochaHooks = {
  afterAll(): void {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  },
};
