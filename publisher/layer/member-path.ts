import { Failure } from '../../core/failure.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { ListingItem } from './listing-items.ts';

const LONGEST_NAME_BYTES = 255;

/** Linux takes paths of 4,095 bytes, and the folders of the repository come before an image's own. */
export const LONGEST_PATH_BYTES = 3_584;
/** Trees are walked by functions that call themselves. */
const MOST_COMPONENTS = 500;

/**
 * The place that a member's name means below the root: `./`, leading and doubled slashes go; the root itself is ''.
 *
 * @throws Failure `layer-refused` for `..`, a NUL, a component of over 255 bytes or too long a path: no file system
 *   could hold it, or it would lead out of the tree
 */
export function memberPath(name: string): BytePath {
  if (isPlain(name)) return name;
  const components = name.split('/').filter((component) => component !== '' && component !== '.');
  for (const component of components) checkComponent(component, name);
  const path = components.join('/');
  if (isTooLong(path))
    throw refused(name, `is a path of ${path.length} bytes and ${components.length} components`);
  return path;
}

/** True for a path longer or deeper than any path of an image may be. */
export function isTooLong(path: BytePath): boolean {
  if (path.length > LONGEST_PATH_BYTES) return true;
  return path.length > 2 * MOST_COMPONENTS && path.split('/').length > MOST_COMPONENTS;
}

/** Most names: nothing to take off and nothing to refuse, found without splitting. */
function isPlain(name: string): boolean {
  return (
    name.length <= LONGEST_NAME_BYTES && name !== '' && !/^\/|\/$|\/\/|(^|\/)\.{1,2}(\/|$)|\0/.test(name)
  );
}

function checkComponent(component: string, name: string): void {
  if (component === '..') throw refused(name, 'leads out of the image by ".."');
  if (component.includes('\0')) throw refused(name, 'holds a NUL');
  if (component.length > LONGEST_NAME_BYTES)
    throw refused(name, `has a component of ${component.length} bytes`);
}

function refused(name: string, reason: string): Failure {
  const shown = JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
  return unsafe(`the layer's member ${shown} ${reason}`);
}

export function unsafe(message: string): Failure {
  const hint = 'such a layer cannot be unpacked safely: rebuild the image';
  return new Failure('layer-refused', message, { hint });
}

/**
 * Recognizes the mark of what a snapshotter is to prefetch, which is not part of the image (stargz-snapshotter,
 * docs/estargz.md, "Landmark Files"): by the archive alone, never by how the blob is packed: an image names its layers'
 * archives, and has the same files however these are packed.
 */
export function isLandmark({
  type,
  path,
  sizeBytes,
}: Pick<ListingItem, 'type' | 'path' | 'sizeBytes'>): boolean {
  const isNamedSo = path === '.prefetch.landmark' || path === '.no.prefetch.landmark';
  return isNamedSo && type === 'file' && sizeBytes === 1;
}

/** Recognizes the index by which a snapshotter finds the others: the last member of its layer but for landmarks. */
export function isIndex({ type, path }: Pick<ListingItem, 'type' | 'path'>): boolean {
  return path === 'stargz.index.json' && type === 'file';
}
