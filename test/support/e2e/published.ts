import { snapshot, type Snapshot } from '../trees/snapshot.ts';
import type { Site } from './site.ts';

/** Everything that is published, without what is different each time. */
export async function wholeOf(site: Site): Promise<Snapshot> {
  const ignore = (path: string): boolean =>
    path === '.unpackd/publications' || path === '.unpackd/latest' || path === 'new_repository';
  const found = await snapshot(site.published, { ignore });
  return new Map([...found].map(([path, line]) => [path, lineOf(path, line)]));
}

function lineOf(path: string, line: string): string {
  // Where a layer was found first; of images that share it, that may be any.
  if (/^\.layers\/[^/]+\/[^/]+\/\.metadata\/origin\.json$/.test(path))
    return line.replace(/^(file \S+ \S+).*/, '$1');
  return isOfImage(path) ? line : withoutTime(line);
}

/** Files beside the images tell when they were published. */
function isOfImage(path: string): boolean {
  return /^\.(?:flat|chains)\/|^\.layers\/.*\/layerfs\//.test(path);
}

function withoutTime(line: string): string {
  return line.replace(/^(file \S+ \S+ \d+) \d+/, '$1');
}
