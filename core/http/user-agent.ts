import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readIfThereSync } from '../system/files.ts';

/** User agent in requests: `unpackd/<version>`. */
export function userAgent(): string {
  return `unpackd/${packageVersion()}`;
}

/**
 * Reads the version from the nearest package.json above: sources and compiled files lie at different depths below it.
 * Bounded: by the path.
 */
export function packageVersion(folder = dirname(fileURLToPath(import.meta.url))): string {
  const description = readIfThereSync(join(folder, 'package.json'));
  if (description !== undefined) {
    // Without a schema: zod would take a third of the time of a short run.
    const { version }: { readonly version: unknown } = JSON.parse(description.toString());
    return String(version);
  }
  const parent = dirname(folder);
  if (parent === folder) throw new Error('unpackd is not installed with its package.json');
  return packageVersion(parent);
}
