import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readIfThereSync } from '../system/files.ts';

const packageSchema = z.object({ version: z.string() });

/** How unpackd names itself to registries: `unpackd/<version>`. */
export function userAgent(): string {
  return `unpackd/${packageVersion()}`;
}

/** The version in the nearest package.json above: sources and compiled files lie at different depths below it. Bounded: by the path. */
export function packageVersion(folder = dirname(fileURLToPath(import.meta.url))): string {
  const description = readIfThereSync(join(folder, 'package.json'));
  if (description !== undefined) return packageSchema.parse(JSON.parse(description.toString())).version;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('unpackd is not installed with its package.json');
  return packageVersion(parent);
}
