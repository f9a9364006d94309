import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { hasCode } from '../system-error.ts';

const packageSchema = z.object({ version: z.string() });

/** How unpackd names itself to registries: `unpackd/<version>`. */
export function userAgent(): string {
  return `unpackd/${packageVersion()}`;
}

/** The version in the nearest package.json above: sources and compiled files lie at different depths below it. Bounded: by the path. */
export function packageVersion(folder = dirname(fileURLToPath(import.meta.url))): string {
  const description = readIfThere(join(folder, 'package.json'));
  if (description !== undefined) return packageSchema.parse(JSON.parse(description)).version;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('unpackd is not installed with its package.json');
  return packageVersion(parent);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
